// The only file that fetches. Shapes are those of /_dodam/v1; the page reads and never steers, so it
// needs no token.

export interface Target { address: string; state: string; reason?: string }
export interface Task { id: string; address?: string; status: string; health?: string; revision?: string; digest?: string }
export interface Service {
  desired: number; running: number; pending: number; task_definition: string; rollout: string; reason?: string;
  pushed_digest?: string; tasks?: Task[]; events?: string[];
}
export interface Part { state: string; endpoint?: string; detail?: string }
export interface Origin { id: string; domain: string; kind: string }
export interface Distribution { id: string; domain: string; url: string; enabled: boolean; comment?: string; origins: Origin[] }
export interface Status {
  pid: number; phase: string; runtime?: string; aws_endpoint: string; viewer_endpoint: string; viewer_tls_endpoint?: string;
  distributions: Record<string, Distribution>;
  load_balancers: Record<string, { name: string; dns_name: string; url: string; target_groups: string[] }>;
  target_groups: Record<string, { targets: Target[] }>;
  services: Record<string, Service>;
  buckets: Record<string, { name: string; objects: number; public?: boolean; website?: boolean }>;
  database?: Part; cache?: Part; problems?: string[];
}
export interface Decision { key: string; text: string; at_us?: number }
export interface Span {
  sequence: number; hop: string; resource: string; id: string; parent: string; method: string; host: string; target: string;
  status: number; sent_bytes: number; started: string; took_us: number; decisions: Decision[];
}
export interface Fault { id: number; target: string; kind: string; shown: string; ends: string }
export interface Clock { now: string; real: string; speed: number }

const ANSWER_WITHIN_MS = 5000;

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`/_dodam/v1${path}`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.message ?? `HTTP ${answer.status}`);
  return body as T;
}

export const status = () => get<Status>('/status');
export const clock = () => get<Clock>('/clock');
export const faults = () => get<{ faults: Fault[] }>('/faults');
export const traceOf = (id: string) => get<{ spans: Span[] }>(`/traces?id=${encodeURIComponent(id)}`);

const AT_ONCE = 300;

// The spans after `sequence`, oldest first. When more passed than one answer holds, the newest ones.
export async function tracesSince(sequence: number): Promise<{ spans: Span[]; last: number }> {
  if (sequence > 0) {
    const news = await get<{ spans: Span[]; last: number }>(`/traces?since=${sequence}&n=${AT_ONCE}`);
    // A smaller number than before: another emulator answers here now.
    if (news.spans.length < AT_ONCE && news.last >= sequence) return news;
  }
  const latest = await get<{ spans: Span[]; last: number }>(`/traces?n=${AT_ONCE}`);
  return { spans: latest.spans.reverse(), last: latest.last };
}
