// The first page: the parts of the stack, what is deployed, the last requests, and one request's trace.
import { useEffect, useRef, useState } from 'react';
import * as api from './api';
import { Deployed } from './views/deployed';
import { Requests } from './views/requests';
import { Topology } from './views/topology';
import { Trace } from './views/trace';

const POLL_MS = 1000;
const KEPT_REQUESTS = 300;

export function App() {
  const [status, setStatus] = useState<api.Status>();
  const [problem, setProblem] = useState<string>();
  const [requests, setRequests] = useState<api.Span[]>([]);
  const [paused, setPaused] = useState(false);
  const [chosen, setChosen] = useState<string>(location.hash.slice(1));
  const last = useRef(0);

  useEffect(() => {
    let stopped = false;
    const poll = async () => {
      try {
        setStatus(await api.status());
        if (!paused) {
          const news = await api.tracesSince(last.current);
          last.current = news.last;
          if (news.spans.length) setRequests((old) => [...news.spans.reverse(), ...old].slice(0, KEPT_REQUESTS));
        }
        setProblem(undefined);
      } catch (error) {
        setProblem(`The emulator does not answer: ${(error as Error).message}`);
      }
      if (!stopped) timer = window.setTimeout(poll, POLL_MS);
    };
    let timer = window.setTimeout(poll, 0);
    return () => { stopped = true; window.clearTimeout(timer); };
  }, [paused]);

  const choose = (id: string) => {
    setChosen(id);
    history.replaceState(null, '', id ? `#${id}` : location.pathname);
  };

  return (
    <main>
      <header>
        <h1>dodam</h1>
        {status && <span className="quiet">{status.aws_endpoint} · {status.viewer_endpoint} · {status.runtime ?? ''} · pid {status.pid}</span>}
      </header>
      {problem && <p className="problem" role="alert">{problem}</p>}
      {status?.problems?.map((text) => <p className="problem" key={text}>{text}</p>)}
      {status && <Topology status={status} />}
      {status && <Deployed status={status} />}
      <div className="columns">
        <Requests requests={requests} chosen={chosen} choose={choose} paused={paused} setPaused={setPaused} />
        <Trace id={chosen} close={() => choose('')} />
      </div>
    </main>
  );
}
