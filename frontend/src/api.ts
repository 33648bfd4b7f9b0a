// The only file that fetches. Shapes are those of /_dodam/v1.

export interface Target { address: string; state: string; reason?: string }
export interface Task { id: string; address?: string; status: string; health?: string; revision?: string; digest?: string }
export interface Service {
  desired: number; running: number; pending: number; task_definition: string; rollout: string; reason?: string; tasks?: Task[]; events?: string[];
}
export interface Part { state: string; endpoint?: string; detail?: string }
export interface Status {
  pid: number; version?: string; runtime?: string; aws_endpoint: string; viewer_endpoint: string; viewer_tls_endpoint?: string;
  distributions: Record<string, { id: string; domain: string; url: string; origins?: string[] }>;
  load_balancers: Record<string, { dns_name: string; url: string; state?: string; target_groups?: string[] }>;
  target_groups: Record<string, { targets: Target[] }>;
  services: Record<string, Service>;
  buckets: Record<string, { objects: number }>;
  database?: Part; cache?: Part; problems?: string[];
}
export interface Decision { key: string; text: string; at_us?: number }
export interface Span {
  sequence: number; hop: string; resource: string; id: string; parent: string; method: string; host: string; target: string; status: number;
  sent_bytes: number; started: string; took_us: number; decisions: Decision[];
}

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`/_dodam/v1${path}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message ?? `HTTP ${answer.status}`);
  return body as T;
}

export const status = () => get<Status>('/status');
export const tracesSince = (sequence: number) => get<{ spans: Span[]; last: number }>(`/traces?since=${sequence}&n=200`);
export const traceOf = (id: string) => get<{ spans: Span[] }>(`/traces?id=${encodeURIComponent(id)}`);
