// Spans to requests: the hops of one request meet by their ids, and the first hop speaks for it.
import type { Span, Status } from './api';

export interface Request { root: Span; hops: Span[]; kind: 'viewer' | 'api' }

const KEPT_SPANS = 1500;

// Date.parse keeps milliseconds, and a hop may take less than one.
export function beginOf(span: Span): number {
  const fraction = /\.(\d+)/.exec(span.started)?.[1] ?? '0';
  return Math.floor(Date.parse(span.started) / 1000) * 1e6 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

// Adds what is new; oldest ones go first.
export function keep(old: Span[], news: Span[]): Span[] {
  if (!news.length) return old;
  const known = new Set(old.map((span) => span.sequence));
  return [...old, ...news.filter((span) => !known.has(span.sequence))].slice(-KEPT_SPANS);
}

// An API call comes to the AWS port; everything else is a viewer's.
const kindOf = (span: Span, status?: Status) =>
  span.hop === 'aws' || (span.hop === 's3' && (!status || span.host.endsWith(`:${new URL(status.aws_endpoint).port}`))) ? 'api' : 'viewer';

// Newest first. Statements of database and cache carry no request's id, so they are not part of it.
export function requestsOf(spans: Span[], status?: Status): Request[] {
  const roots = new Map<string, Request>();
  const ids = new Map<string, Request>();
  const hops = spans.filter((span) => span.id).sort((a, b) => beginOf(a) - beginOf(b));
  for (const span of hops) {
    const parent = span.parent ? ids.get(span.parent) : undefined;
    const request = parent ?? { root: span, hops: [], kind: kindOf(span, status) as Request['kind'] };
    if (!parent) roots.set(span.id, request);
    request.hops.push(span);
    ids.set(span.id, request);
  }
  return [...roots.values()].reverse();
}

export const operationOf = (span: Span) => span.decisions.find((decision) => decision.key === 'operation')?.text;

// "hit", "miss", "not asked" and what follows: the first word that the edge decided, and its reason.
export function cacheOf(span: Span): { word: string; reason: string } | undefined {
  const text = span.decisions.find((decision) => decision.key === 'cache')?.text;
  if (!text) return undefined;
  const colon = text.indexOf(':');
  return colon < 0 ? { word: text, reason: '' } : { word: text.slice(0, colon), reason: text.slice(colon + 1).trim() };
}

export const milliseconds = (us: number) => (us < 100_000 ? `${(us / 1000).toFixed(1)} ms` : us < 1_000_000 ? `${Math.round(us / 1000)} ms` : `${(us / 1e6).toFixed(2)} s`);

export const HOP_NAMES: Record<string, string> = { edge: 'CloudFront', alb: 'Load balancer', s3: 'S3', aws: 'AWS API', db: 'Database', redis: 'Cache' };
