// Small pieces that the views share.
import { useState, type ReactNode } from 'react';
import type { Health } from './health';

const WORDS: Record<Health, string> = { good: 'healthy', waiting: 'settling', bad: 'down', off: 'off' };

// The state in a shape, too: colours alone say nothing to some.
export const Dot = ({ health }: { health: Health }) => <i className={`dot ${health}`} role="img" aria-label={WORDS[health]} />;

export const Badge = ({ tone, children, title }: { tone: string; children: ReactNode; title?: string }) =>
  <span className={`badge ${tone}`} title={title}>{children}</span>;

export function Copy({ text, label }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = () => navigator.clipboard?.writeText(text).then(() => { setDone(true); window.setTimeout(() => setDone(false), 1200); });
  return <button className="copy" onClick={copy} title={`Copy ${text}`}>{done ? 'Copied' : label ?? text}</button>;
}

export const Hint = ({ title, children }: { title: string; children: ReactNode }) => (
  <div className="hint"><strong>{title}</strong><div>{children}</div></div>
);

export const Command = ({ text }: { text: string }) => <div className="command"><code>{text}</code><Copy text={text} label="Copy" /></div>;
