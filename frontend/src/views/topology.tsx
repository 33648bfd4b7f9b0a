// The way of a request through the stack, left to right, with the health of each part.
import type { Status, Target } from '../api';

type Health = 'good' | 'waiting' | 'bad';

function Box({ title, detail, health, href }: { title: string; detail: string; health: Health; href?: string }) {
  return (
    <div className={`box ${health}`}>
      <strong>{href ? <a href={href} target="_blank" rel="noreferrer">{title}</a> : title}</strong>
      <span>{detail}</span>
    </div>
  );
}

const targetHealth = (targets: Target[]): Health =>
  targets.length && targets.every((t) => t.state === 'healthy') ? 'good' : targets.some((t) => t.state === 'healthy') ? 'waiting' : 'bad';

const partHealth = (state: string): Health => (state === 'ready' ? 'good' : state === 'starting' ? 'waiting' : 'bad');

export function Topology({ status }: { status: Status }) {
  const columns: { title: string; boxes: React.ReactNode[] }[] = [
    { title: 'CloudFront', boxes: Object.entries(status.distributions).map(([name, d]) =>
      <Box key={name} title={name} detail={d.domain} health="good" href={d.url} />) },
    { title: 'S3', boxes: Object.entries(status.buckets).map(([name, b]) =>
      <Box key={name} title={name} detail={`${b.objects} objects`} health={b.objects ? 'good' : 'waiting'} />) },
    { title: 'Load balancer', boxes: Object.entries(status.load_balancers).map(([name, b]) =>
      <Box key={name} title={name} detail={b.url} health="good" href={b.url} />) },
    { title: 'Targets', boxes: Object.entries(status.target_groups).flatMap(([name, group]) =>
      group.targets.length
        ? group.targets.map((t) => <Box key={name + t.address} title={t.address} detail={t.reason ? `${t.state}: ${t.reason}` : t.state} health={targetHealth([t])} />)
        : [<Box key={name} title={name} detail="no targets" health="bad" />]) },
    { title: 'Data', boxes: (['database', 'cache'] as const).flatMap((key) => {
      const part = status[key];
      return part ? [<Box key={key} title={key} detail={part.detail ?? part.state} health={partHealth(part.state)} />] : [];
    }) },
  ];
  return (
    <section className="topology" aria-label="Stack">
      {columns.filter((column) => column.boxes.length).map((column) => (
        <div className="column" key={column.title}><h2>{column.title}</h2>{column.boxes}</div>
      ))}
      {columns.every((column) => !column.boxes.length) && (
        <p className="quiet">The stack is empty. Start with a file (<code>dodam up -f dodam.json</code>) or fill it with API calls at {status.aws_endpoint}.</p>
      )}
    </section>
  );
}
