// The last requests, live. The hops of one request are one line.
import { useState } from 'react';
import type { Status } from '../api';
import { Badge, Command, Hint } from '../pieces';
import { cacheOf, HOP_NAMES, milliseconds, operationOf, type Request } from '../requests';

interface Props {
  requests: Request[]; status: Status; chosen: string; choose: (id: string) => void; paused: boolean; answers: boolean; setPaused: (on: boolean) => void;
}
type Show = 'viewer' | 'api' | 'all';

const SHOWN: [Show, string][] = [['viewer', 'Viewers'], ['api', 'API calls'], ['all', 'All']];
const MAX_ROWS = 200;

export const statusTone = (status: number) => (status >= 500 || !status ? 'bad' : status >= 400 ? 'waiting' : 'good');
const cacheTone = (word: string) => (word === 'hit' ? 'good' : word === 'miss' ? 'accent' : 'off');
const clockOf = (iso: string) => new Date(iso).toLocaleTimeString([], { hour12: false });

function Row({ request, chosen, choose }: { request: Request; chosen: boolean; choose: (id: string) => void }) {
  const { root, hops } = request;
  const cache = cacheOf(root);
  const operation = request.kind === 'api' ? operationOf(root) : undefined;
  return (
    <li className={chosen ? 'chosen' : ''}>
      <button onClick={() => choose(root.id)} aria-pressed={chosen}>
        <Badge tone={statusTone(root.status)}>{root.status || 'cut'}</Badge>
        <span className="what">
          <span className="path"><b>{operation && root.hop === 'aws' ? root.resource : root.method}</b> {operation && root.hop === 'aws' ? operation : root.target}</span>
          <span className="where">{hops.map((hop) => HOP_NAMES[hop.hop] ?? hop.hop).join(' → ')} · {root.host}</span>
        </span>
        <span className="outcome">
          {cache && <Badge tone={cacheTone(cache.word)} title={cache.reason}>{cache.word}</Badge>}
          <span className="time" title={root.started}>{milliseconds(root.took_us)}<small>{clockOf(root.started)}</small></span>
        </span>
      </button>
    </li>
  );
}

export function Requests({ requests, status, chosen, choose, paused, answers, setPaused }: Props) {
  const [filter, setFilter] = useState('');
  const [show, setShow] = useState<Show>('viewer');
  const wanted = filter.trim().toLowerCase();
  const ofKind = requests.filter((request) => show === 'all' || request.kind === show);
  const shown = ofKind.filter(({ root, hops }) => !wanted ||
    `${root.status} ${root.method} ${root.host}${root.target} ${cacheOf(root)?.word ?? ''} ${operationOf(root) ?? ''} ${hops.map((hop) => hop.hop).join(' ')}`.toLowerCase().includes(wanted));

  const walk = (event: React.KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const at = shown.findIndex((request) => request.root.id === chosen);
    const next = shown[Math.max(0, Math.min(shown.length - 1, at + (event.key === 'ArrowDown' ? 1 : -1)))];
    if (next) choose(next.root.id);
    event.preventDefault();
  };

  const [name, first] = Object.entries(status.distributions)[0] ?? [];
  return (
    <section aria-label="Requests" className="requests-view">
      <h2>Requests <span className={paused || !answers ? 'live off' : 'live'}>{!answers ? 'cut off' : paused ? 'paused' : 'live'}</span></h2>
      <div className="bar">
        <input type="search" placeholder="Filter by path, status, host, hit …" value={filter} onChange={(event) => setFilter(event.target.value)} aria-label="Filter" />
        <div className="choice" role="group" aria-label="Which requests">
          {SHOWN.map(([key, label]) => <button key={key} aria-pressed={show === key} onClick={() => setShow(key)}>{label}</button>)}
        </div>
        <button onClick={() => setPaused(!paused)}>{paused ? 'Go on' : 'Pause'}</button>
      </div>
      {shown.length > 0 ? (
        <ol className="requests" onKeyDown={walk}>
          {shown.slice(0, MAX_ROWS).map((request) =>
            <Row key={request.root.id} request={request} chosen={request.hops.some((hop) => hop.id === chosen)} choose={choose} />)}
        </ol>
      ) : wanted && ofKind.length ? (
        <Hint title="Nothing matches the filter">{ofKind.length} requests are kept. <button onClick={() => setFilter('')}>Clear the filter</button></Hint>
      ) : show === 'api' ? (
        <Hint title="No API call yet">Each call to the AWS port appears here.<Command text={`aws --endpoint-url ${status.aws_endpoint} sts get-caller-identity`} /></Hint>
      ) : (
        <Hint title="No request yet">
          {first ? <>Each request that passes an edge or a load balancer appears here as it happens. Open <a href={first.url} target="_blank" rel="noreferrer">{name}</a>, or:
            <Command text={`curl -H 'Host: ${first.domain}' ${status.viewer_endpoint}/`} /></>
            : 'Each request that passes an edge or a load balancer appears here. This stack has neither yet.'}
        </Hint>
      )}
    </section>
  );
}
