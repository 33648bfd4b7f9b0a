// What is deployed: each service with its rollout, its tasks, and whether what runs is what was pushed.
import type { Service } from '../api';
import { serviceVerdict } from '../health';
import { Badge, Dot } from '../pieces';

const short = (digest: string) => digest.replace('sha256:', '').slice(0, 12);
const ROLLOUT: Record<string, string> = { COMPLETED: 'good', IN_PROGRESS: 'waiting', FAILED: 'bad' };

// "Stable" on the old image is the lie to see at once.
function Image({ service }: { service: Service }) {
  const running = [...new Set((service.tasks ?? []).flatMap((task) => (task.digest ? [task.digest] : [])))];
  if (!running.length) return <span className="quiet">nothing runs</span>;
  const pushed = service.pushed_digest;
  const same = pushed && running.length === 1 && running[0] === pushed;
  return (
    <>
      {running.map((digest) => <code key={digest} title={digest}>{short(digest)}</code>)}
      {!pushed ? <span className="quiet">no image was pushed yet: the placeholder answers</span>
        : same ? <span className="quiet">what was pushed is what runs</span>
        : <Badge tone="bad" title={pushed}>pushed was {short(pushed)}</Badge>}
    </>
  );
}

// A deployment that failed leaves the service on the one before: healthy, and not what was asked for.
// Events come newest first; the completion right after a roll-back is the roll-back's own.
function rolledBack(service: Service): boolean {
  const events = service.events ?? [];
  const back = events.findIndex((text) => text.includes('rolling back to deployment'));
  return back >= 0 && events.slice(0, back).filter((text) => text.includes('deployment completed')).length < 2;
}

function Row({ name, service }: { name: string; service: Service }) {
  const verdict = serviceVerdict(service);
  return (
    <article className="service">
      <h3><Dot health={verdict.health} />{name}</h3>
      <dl>
        <div><dt>Tasks</dt><dd>{verdict.text}</dd></div>
        <div><dt>Task definition</dt><dd>{service.task_definition}</dd></div>
        <div><dt>Rollout</dt><dd><Badge tone={ROLLOUT[service.rollout] ?? 'off'}>{service.rollout.toLowerCase().replace('_', ' ') || 'none'}</Badge></dd></div>
        <div><dt>Image</dt><dd><Image service={service} /></dd></div>
      </dl>
      {service.reason && service.rollout !== 'COMPLETED' && <p className={service.rollout === 'FAILED' ? 'why bad' : 'why'}>{service.reason}</p>}
      {rolledBack(service) && <p className="why bad">The last deployment failed and was rolled back: this is the one before it.</p>}
      <details>
        <summary>{(service.tasks ?? []).length} task{(service.tasks ?? []).length === 1 ? '' : 's'} and the last events</summary>
        <ul className="tasks">
          {(service.tasks ?? []).map((task) => (
            <li key={task.id}>
              <Dot health={task.health === 'healthy' ? 'good' : task.health === 'unhealthy' ? 'bad' : 'waiting'} />
              <code>{task.id.slice(0, 8)}</code> <span>{task.address}</span> <span className="quiet">{task.revision}</span>
            </li>
          ))}
        </ul>
        <ol className="events">{(service.events ?? []).slice(0, 8).map((text, index) => <li key={index}>{text}</li>)}</ol>
      </details>
    </article>
  );
}

export function Deployed({ services }: { services: Record<string, Service> }) {
  const all = Object.entries(services);
  if (!all.length) return null;
  return (
    <section aria-label="Deployed">
      <h2>Deployed</h2>
      {all.map(([name, service]) => <Row key={name} name={name} service={service} />)}
    </section>
  );
}
