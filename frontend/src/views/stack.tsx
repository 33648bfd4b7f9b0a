// The ways of a request through the stack: a lane for each distribution, left to right as the request
// goes, each part with its health. What no distribution leads to has a lane of its own.
import type { CSSProperties, ReactNode } from 'react';
import type { Status } from '../api';
import { partVerdict, targetsVerdict, worst, type Health } from '../health';
import { Command, Dot, Hint } from '../pieces';

interface Card { key: string; kind: string; title: string; detail: ReactNode; health: Health; href?: string }

const Part = ({ card }: { card: Card }) => (
  <div className={`part ${card.health}`}>
    <span className="kind">{card.kind}</span>
    <strong><Dot health={card.health} />{card.href ? <a href={card.href} target="_blank" rel="noreferrer">{card.title}</a> : card.title}</strong>
    <span className="detail">{card.detail}</span>
  </div>
);

function lanesOf(status: Status): Card[][] {
  const met = new Set<string>();

  const bucket = (name: string): Card[] => {
    const one = status.buckets[name];
    met.add(`bucket ${name}`);
    return [{ key: `bucket ${name}`, kind: 'S3 bucket', title: name, health: one.objects ? 'good' : 'waiting',
      detail: one.objects ? `${one.objects} object${one.objects === 1 ? '' : 's'}${one.public ? ', public' : ''}` : 'empty: nothing is deployed yet' }];
  };
  const balancer = (name: string): Card[] => {
    const one = status.load_balancers[name];
    met.add(`balancer ${name}`);
    const groups = one.target_groups.filter((group) => status.target_groups[group]).map((group): Card => {
      const targets = status.target_groups[group].targets;
      const verdict = targetsVerdict(targets);
      const sick = targets.find((target) => target.state !== 'healthy' && target.reason);
      met.add(`group ${group}`);
      return { key: `group ${group}`, kind: 'Targets', title: group, health: verdict.health,
        detail: <>{verdict.text}{sick && <em>{sick.address} {sick.state}: {sick.reason}</em>}</> };
    });
    return [{ key: `balancer ${name}`, kind: 'Load balancer', title: name, detail: one.dns_name, href: one.url,
      health: groups.length ? worst(groups.map((card) => card.health)) : 'good' }, ...groups];
  };
  const origin = (domain: string): Card[] => {
    const lb = Object.keys(status.load_balancers).find((name) => status.load_balancers[name].dns_name.toLowerCase() === domain.toLowerCase());
    if (lb) return balancer(lb);
    const held = Object.keys(status.buckets).find((name) => domain.startsWith(`${status.buckets[name].name}.s3`));
    if (held) return bucket(held);
    return [{ key: `origin ${domain}`, kind: 'Origin', title: domain, detail: 'not a part of this stack', health: 'off' }];
  };

  const lanes = Object.entries(status.distributions).flatMap(([name, one]) => {
    const front: Card = { key: `distribution ${name}`, kind: 'CloudFront', title: name, detail: one.domain, href: one.url, health: one.enabled ? 'good' : 'off' };
    const origins = one.origins.length ? one.origins.map((each) => origin(each.domain)) : [[]];
    return origins.map((cards) => [front, ...cards]);
  });
  for (const name of Object.keys(status.load_balancers)) if (!met.has(`balancer ${name}`)) lanes.push(balancer(name));
  for (const name of Object.keys(status.buckets)) if (!met.has(`bucket ${name}`)) lanes.push(bucket(name));
  return lanes;
}

export function Stack({ status }: { status: Status }) {
  const lanes = lanesOf(status);
  const data = (['database', 'cache'] as const).flatMap((key): Card[] => {
    const part = status[key];
    if (!part) return [];
    const verdict = partVerdict(part);
    const [product, ...place] = (part.detail ?? key).split(' ');   // "MariaDB here, schema x"
    return [{ key, kind: key === 'database' ? 'Database' : 'Cache', title: product, health: verdict.health,
      detail: [...(verdict.health === 'good' ? [] : [part.state]), ...(place.length ? [place.join(' ')] : [])].join(': ') }];
  });
  const widest = Math.max(1, ...lanes.map((lane) => lane.length));
  return (
    <section aria-label="Stack">
      <h2>Stack</h2>
      {!lanes.length && !data.length ? (
        <Hint title="The stack is empty">
          Start it with a stack file, or make parts with any AWS client at {status.aws_endpoint}.
          <Command text="dodam up -f dodam.json" />
          <Command text={`aws --endpoint-url ${status.aws_endpoint} s3 mb s3://first`} />
        </Hint>
      ) : (
        <div className="stack">
          <div className="lanes" style={{ '--parts': widest } as CSSProperties}>
            {lanes.map((lane) => (
              <div className="lane" key={lane.map((card) => card.key).join()}>{lane.map((card) => <Part card={card} key={card.key} />)}</div>
            ))}
          </div>
          {data.length > 0 && <div className="data">{data.map((card) => <Part card={card} key={card.key} />)}</div>}
        </div>
      )}
    </section>
  );
}
