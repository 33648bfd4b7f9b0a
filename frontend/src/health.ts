// How a part is: one word for each, the worst one for the whole.
import type { Fault, Part, Service, Status, Target } from './api';

export type Health = 'good' | 'waiting' | 'bad' | 'off';
export interface Verdict { health: Health; text: string }

const ORDER: Health[] = ['bad', 'waiting', 'good', 'off'];
export const worst = (all: Health[]): Health => ORDER.find((health) => all.includes(health)) ?? 'off';

// A target that drains is on its way out as it should be.
export function targetsVerdict(targets: Target[]): Verdict {
  const counted = targets.filter((target) => target.state !== 'draining');
  const healthy = counted.filter((target) => target.state === 'healthy').length;
  if (!counted.length) return { health: 'bad', text: 'no targets' };
  const text = `${healthy} of ${counted.length} healthy`;
  if (healthy === counted.length) return { health: 'good', text };
  return { health: healthy || counted.some((target) => target.state === 'initial') ? 'waiting' : 'bad', text };
}

export function serviceVerdict(service: Service): Verdict {
  const text = `${service.running} of ${service.desired} running`;
  if (service.rollout === 'FAILED') return { health: 'bad', text };
  if (service.rollout === 'IN_PROGRESS' || service.pending) return { health: 'waiting', text };
  if (service.running === service.desired) return { health: service.desired ? 'good' : 'off', text };
  return { health: service.running ? 'waiting' : 'bad', text };
}

export const partVerdict = (part: Part): Verdict =>
  ({ health: part.state === 'ready' ? 'good' : part.state === 'starting' ? 'waiting' : 'bad', text: part.state });

// The line beside the name: what needs a look, by name.
export function overall(status: Status, faults: Fault[]): Verdict {
  const parts: [string, Health][] = [
    ...Object.entries(status.target_groups).map(([name, group]): [string, Health] => [`targets of ${name}`, targetsVerdict(group.targets).health]),
    ...Object.entries(status.services).map(([name, service]): [string, Health] => [`service ${name}`, serviceVerdict(service).health]),
    ...(['database', 'cache'] as const).flatMap((name): [string, Health][] => { const part = status[name]; return part ? [[name, partVerdict(part).health]] : []; }),
  ];
  if (status.problems?.length) return { health: 'bad', text: 'Needs a look' };
  if (status.phase !== 'ready') return { health: 'waiting', text: 'Starting' };
  const health = worst(parts.map(([, one]) => one));
  const named = parts.filter(([, one]) => one === health).map(([name]) => name).join(', ');
  if (health === 'bad') return { health, text: `Down: ${named}` };
  if (health === 'waiting') return { health, text: `Settling: ${named}` };
  if (faults.length) return { health: 'waiting', text: 'Broken on purpose' };
  return { health: 'good', text: parts.length ? 'All parts healthy' : 'Ready' };
}
