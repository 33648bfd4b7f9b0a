// A visit in a real browser to record_site.mjs, through the edge. Started by record.sh.
import { chromium } from 'playwright-core';

const { SITE, PROFILE, VISITOR, LAST } = process.env;
const context = await chromium.launchPersistentContext(PROFILE, { executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
context.setDefaultTimeout(20_000);
const page = await context.newPage();
try {
  await page.goto(SITE);
  await page.click('text=Log in');
  await page.fill('[name=user]', VISITOR);
  await page.fill('[name=password]', 'Open-sesame-88');
  await page.click('text=Go');
  await page.fill('[name=what]', 'Tea & cake, 100%');
  await page.click('text=Order');
  await page.getByText('ordered').waitFor();
  await page.evaluate(async (last) => {
    const post = (path, type, body) => fetch(path, { method: 'POST', headers: { 'content-type': type }, body });
    const note = await (await post('/notes', 'application/json', JSON.stringify({ text: 'A {{note}} with braces' }))).json();
    await fetch(`/notes/${note.id}`);
    for (let i = 0; i < 3; ++i) await fetch('/counter');
    await post('/upload', 'application/octet-stream', new Uint8Array([0xff, 0, 0xfe, 1, 2, 3]));
    await fetch(last);
  }, LAST);
} finally {
  await context.close();
}
