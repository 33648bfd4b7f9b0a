// The first page: the parts of the stack, what is deployed, the last requests, and one request's trace.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import * as api from './api';
import { overall } from './health';
import { Copy, Dot, Hint, Command } from './pieces';
import { keep, requestsOf } from './requests';
import { Deployed } from './views/deployed';
import { Requests } from './views/requests';
import { Stack } from './views/stack';
import { Trace } from './views/trace';

const POLL_MS = 1000;
const CLOCK_NOTICE_MS = 2000;

interface Seen { status: api.Status; clock: api.Clock; faults: api.Fault[] }

// The address bar's "#id"; what is no id there is none.
function idInAddress(): string {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

function offset(clock: api.Clock): string | undefined {
  const seconds = Math.round((Date.parse(clock.now) - Date.parse(clock.real)) / 1000);
  if (seconds * 1000 < CLOCK_NOTICE_MS) return undefined;
  const parts: [number, string][] = [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']];
  let rest = seconds;
  const words = parts.flatMap(([size, unit]) => { const n = Math.floor(rest / size); rest -= n * size; return n ? [`${n}${unit}`] : []; });
  return `+${words.slice(0, 2).join(' ')}`;
}

function Header({ seen, answers }: { seen?: Seen; answers: boolean }) {
  const verdict = !answers ? { health: 'bad' as const, text: 'Not answering' } : seen ? overall(seen.status, seen.faults) : { health: 'off' as const, text: 'Connecting' };
  const moved = seen && offset(seen.clock);
  return (
    <header>
      <h1>dodam</h1>
      <p className={`verdict ${verdict.health}`} role="status"><Dot health={verdict.health} />{verdict.text}</p>
      {seen && (
        <dl className="endpoints">
          <div><dt>AWS</dt><dd><Copy text={seen.status.aws_endpoint} /></dd></div>
          <div><dt>Viewers</dt><dd><Copy text={seen.status.viewer_endpoint} /></dd></div>
          {seen.status.viewer_tls_endpoint && <div><dt>TLS</dt><dd><Copy text={seen.status.viewer_tls_endpoint} /></dd></div>}
          {seen.status.runtime && <div><dt>Tasks</dt><dd>{seen.status.runtime}</dd></div>}
          {seen.clock.speed > 1 && <div><dt>Speed</dt><dd>×{seen.clock.speed}</dd></div>}
          {moved && <div><dt>Clock</dt><dd>{moved}</dd></div>}
        </dl>
      )}
    </header>
  );
}

export function App() {
  const [seen, setSeen] = useState<Seen>();
  const [problem, setProblem] = useState<string>();
  const [spans, setSpans] = useState<api.Span[]>([]);
  const [paused, setPaused] = useState(false);
  const [chosen, setChosen] = useState(idInAddress);
  const last = useRef(0);

  useEffect(() => {
    let stopped = false;
    let timer = 0;
    const poll = async () => {
      try {
        const [status, clock, faults] = await Promise.all([api.status(), api.clock(), api.faults()]);
        setSeen({ status, clock, faults: faults.faults });
        if (!paused) {
          const news = await api.tracesSince(last.current);
          if (news.last < last.current) setSpans([]);
          last.current = news.last;
          setSpans((old) => keep(old, news.spans));
        }
        setProblem(undefined);
      } catch (error) {
        setProblem((error as Error).message);
      }
      if (!stopped) timer = window.setTimeout(poll, POLL_MS);
    };
    void poll();
    return () => { stopped = true; window.clearTimeout(timer); };
  }, [paused]);

  const choose = useCallback((id: string) => {
    setChosen(id);
    history.replaceState(null, '', id ? `#${encodeURIComponent(id)}` : location.pathname);
  }, []);

  useEffect(() => {
    const close = (event: KeyboardEvent) => { if (event.key === 'Escape') choose(''); };
    window.addEventListener('keydown', close);
    return () => window.removeEventListener('keydown', close);
  }, [choose]);

  const requests = useMemo(() => requestsOf(spans, seen?.status), [spans, seen?.status]);

  return (
    <>
      <Header seen={seen} answers={!problem} />
      <main className={problem && seen ? 'stale' : ''}>
        {problem && (
          <div className="notice bad" role="alert">
            <strong>The emulator does not answer.</strong> {seen ? 'What you see is from before.' : ''} Start it again, this page goes on by itself:
            <Command text="dodam up" />
            <span className="quiet">{problem}</span>
          </div>
        )}
        {seen?.status.problems?.map((text) => <div className="notice bad" role="alert" key={text}>{text}</div>)}
        {seen?.faults.map((fault) => (
          <div className="notice waiting" key={fault.id}>
            <strong>Broken on purpose:</strong> {fault.shown}, until {new Date(fault.ends).toLocaleTimeString([], { hour12: false })}.
          </div>
        ))}
        {!seen && !problem && <Hint title="Connecting">Asking the emulator what it runs.</Hint>}
        {seen && <Stack status={seen.status} />}
        {seen && <Deployed services={seen.status.services} />}
        {seen && (
          <div className="columns">
            <Requests requests={requests} status={seen.status} chosen={chosen} choose={choose} paused={paused} answers={!problem} setPaused={setPaused} />
            <Trace id={chosen} spans={spans} status={seen.status} close={() => choose('')} />
          </div>
        )}
      </main>
    </>
  );
}
