// The last requests, live. Hops of one request are one line: the first hop speaks for it.
import { useState } from 'react';
import type { Span } from '../api';

interface Props { requests: Span[]; chosen: string; choose: (id: string) => void; paused: boolean; setPaused: (on: boolean) => void }

const cacheOf = (span: Span) => span.decisions.find((d) => d.key === 'cache')?.text ?? '';

export function Requests({ requests, chosen, choose, paused, setPaused }: Props) {
  const [filter, setFilter] = useState('');
  const [showApi, setShowApi] = useState(false);
  const shown = requests.filter((span) =>
    span.id && !span.parent && (showApi || span.hop !== 'aws') && span.hop !== 'db' && span.hop !== 'redis' &&
    `${span.hop} ${span.status} ${span.method} ${span.host}${span.target} ${cacheOf(span)}`.toLowerCase().includes(filter.toLowerCase()));
  return (
    <section aria-label="Requests">
      <h2>Requests</h2>
      <div className="bar">
        <input type="search" placeholder="filter: path, status, host, hit" value={filter} onChange={(e) => setFilter(e.target.value)} aria-label="Filter" />
        <label><input type="checkbox" checked={showApi} onChange={(e) => setShowApi(e.target.checked)} /> API calls</label>
        <button onClick={() => setPaused(!paused)}>{paused ? 'Go on' : 'Pause'}</button>
      </div>
      <ol className="requests">
        {shown.map((span) => (
          <li key={span.sequence} className={span.id === chosen ? 'chosen' : ''}>
            <button onClick={() => choose(span.id)}>
              <span className={`status s${Math.floor(span.status / 100)}`}>{span.status}</span>
              <span className="hop">{span.hop}</span>
              <span className="path">{span.method} {span.host}{span.target}</span>
              <span className="quiet">{cacheOf(span).split(':')[0].slice(0, 24)}</span>
              <span className="time">{(span.took_us / 1000).toFixed(1)} ms</span>
            </button>
          </li>
        ))}
      </ol>
      {!shown.length && <p className="quiet">No request yet. Each one that passes the edge or the load balancer appears here.</p>}
    </section>
  );
}
