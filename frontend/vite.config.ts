// One HTML file with everything inside: it is embedded into the binary.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

export default defineConfig({
  base: '/_dodam/',
  plugins: [react(), viteSingleFile()],
  server: { proxy: { '/_dodam/v1': 'http://127.0.0.1:4566' } },
});
