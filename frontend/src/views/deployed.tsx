// What is deployed: each service with its rollout, its tasks and the digest that runs.
import type { Status } from '../api';

export function Deployed({ status }: { status: Status }) {
  const services = Object.entries(status.services);
  if (!services.length) return null;
  return (
    <section aria-label="Deployed">
      <h2>Deployed</h2>
      <table>
        <thead><tr><th>Service</th><th>Tasks</th><th>Task definition</th><th>Rollout</th><th>Digest</th></tr></thead>
        <tbody>
          {services.map(([name, service]) => {
            const digests = [...new Set((service.tasks ?? []).map((t) => t.digest).filter(Boolean))] as string[];
            return (
              <tr key={name}>
                <td>{name}</td>
                <td className={service.running === service.desired ? 'good-text' : 'bad-text'}>{service.running}/{service.desired}</td>
                <td>{service.task_definition}</td>
                <td className={service.rollout === 'FAILED' ? 'bad-text' : ''}>{service.rollout}{service.reason ? ` · ${service.reason}` : ''}</td>
                <td>{digests.map((digest) => <code key={digest} title={digest}>{digest.slice(7, 19)}</code>)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
