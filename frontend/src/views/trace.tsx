// One request hop by hop: a waterfall, and below each hop its decisions with their reasons.
import { useEffect, useState } from 'react';
import * as api from '../api';

export function Trace({ id, close }: { id: string; close: () => void }) {
  const [spans, setSpans] = useState<api.Span[]>([]);
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    if (!id) return setSpans([]);
    let current = true;
    api.traceOf(id).then((answer) => { if (current) { setSpans(answer.spans); setProblem(undefined); } },
      (error: Error) => { if (current) setProblem(error.message); });
    return () => { current = false; };
  }, [id]);

  if (!id) return <section aria-label="Trace"><h2>Trace</h2><p className="quiet">Choose a request to see what each hop decided, and why.</p></section>;
  const begin = Math.min(...spans.map((s) => Date.parse(s.started)));
  const end = Math.max(...spans.map((s) => Date.parse(s.started) + s.took_us / 1000), begin + 0.1);
  const percent = (ms: number) => `${Math.min(100, (100 * ms) / (end - begin))}%`;
  return (
    <section aria-label="Trace">
      <h2>Trace <code>{id.slice(0, 24)}{id.length > 24 ? '…' : ''}</code> <button onClick={close}>Close</button></h2>
      {problem && <p className="problem">{problem}</p>}
      {!spans.length && !problem && <p className="quiet">This request is no longer kept.</p>}
      {spans.map((span) => (
        <article key={span.sequence} className="hop-card">
          <div className="lane"><i style={{ left: percent(Date.parse(span.started) - begin), width: percent(Math.max(span.took_us / 1000, (end - begin) / 200)) }} /></div>
          <h3><span className="hop">{span.hop}</span> {span.method} {span.host}{span.target} → {span.status} <span className="quiet">{(span.took_us / 1000).toFixed(1)} ms · {span.resource}</span></h3>
          <dl>
            {span.decisions.map((decision, index) => (
              <div key={index}><dt>{decision.key}</dt><dd>{decision.text}</dd></div>
            ))}
          </dl>
        </article>
      ))}
    </section>
  );
}
