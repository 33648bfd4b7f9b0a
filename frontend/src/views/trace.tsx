// One request, hop by hop: a waterfall, and below it what each hop decided, and why.
import { useEffect, useRef, useState } from 'react';
import * as api from '../api';
import { Badge, Command, Copy, Dot, Hint } from '../pieces';
import { beginOf, cacheOf, HOP_NAMES, milliseconds, operationOf } from '../requests';
import { statusTone } from './requests';

const TICKS = [0, 0.25, 0.5, 0.75, 1];
const FOLDED = 3;       // so many lines of one decision are shown, more are behind a click
const FOLDED_KEY = 12;  // the cache key is what most come for

const endOf = (span: api.Span) => beginOf(span) + span.took_us;

// The order of hops is that of their parents; the depth is for the eye.
function ordered(spans: api.Span[]): { span: api.Span; depth: number }[] {
  const out: { span: api.Span; depth: number }[] = [];
  const visit = (span: api.Span, depth: number) => {
    if (out.some((seen) => seen.span === span)) return;
    out.push({ span, depth });
    if (span.id) spans.filter((other) => other.parent === span.id).forEach((other) => visit(other, depth + 1));
  };
  const sorted = [...spans].sort((a, b) => beginOf(a) - beginOf(b));
  sorted.filter((span) => !spans.some((other) => other !== span && other.id && other.id === span.parent)).forEach((span) => visit(span, 0));
  sorted.forEach((span) => visit(span, 0));
  return out;
}

function Waterfall({ hops, meanwhile }: { hops: { span: api.Span; depth: number }[]; meanwhile: api.Span[] }) {
  const begin = Math.min(...hops.map(({ span }) => beginOf(span)));
  const length = Math.max(...hops.map(({ span }) => endOf(span)), begin + 1) - begin;
  const percent = (us: number) => Math.max(0, Math.min(100, (100 * us) / length));
  const lane = (span: api.Span, depth: number, faint: boolean) => (
    <li key={span.sequence} className={faint ? 'faint' : ''}>
      <span className="name" style={{ paddingLeft: `${depth * 0.9}rem` }}>{HOP_NAMES[span.hop] ?? span.hop}{faint && <small>{span.method} {span.target}</small>}</span>
      <span className="track"><i className={`bar-of ${span.hop}`} style={{ left: `${percent(beginOf(span) - begin)}%`, width: `${Math.max(0.6, Math.min(percent(span.took_us), 100 - percent(beginOf(span) - begin)))}%` }} /></span>
      <span className="took">{milliseconds(span.took_us)}</span>
    </li>
  );
  return (
    <div className="waterfall">
      <div className="axis" aria-hidden="true">{TICKS.map((tick) => <span key={tick}>{milliseconds(length * tick)}</span>)}</div>
      <ol>{hops.map(({ span, depth }) => lane(span, depth, false))}{meanwhile.map((span) => lane(span, 1, true))}</ol>
      {meanwhile.length > 0 && <p className="quiet">Faint: what database and cache did meanwhile. Their protocols carry no request id.</p>}
    </div>
  );
}

const GOOD = /^(hit|yes|allowed)\b/, NO = /^(no|not asked|miss)\b/;

function Lines({ name, texts }: { name: string; texts: string[] }) {
  const line = (text: string, index: number) => {
    const [first, ...rest] = text.trim().split('\n');
    const colon = first.indexOf(':');
    const word = colon > 0 && colon < 12 && !/\d/.test(first.slice(0, colon)) ? first.slice(0, colon) : '';
    return (
      <dd key={index} className={name === 'key' ? 'mono' : ''}>
        {word && (GOOD.test(word) || NO.test(word)) ? <><Badge tone={GOOD.test(word) ? 'good' : 'off'}>{word}</Badge>{first.slice(colon + 1).trim()}</> : first}
        {rest.filter(Boolean).map((more) => <div key={more}>{more}</div>)}
      </dd>
    );
  };
  const shown = name === 'key' ? FOLDED_KEY : FOLDED;
  return (
    <div>
      <dt>{name}</dt>
      <div className="values">
        {texts.slice(0, shown).map(line)}
        {texts.length > shown && <details><summary>{texts.length - shown} more</summary>{texts.slice(shown).map(line)}</details>}
      </div>
    </div>
  );
}

function Hop({ span }: { span: api.Span }) {
  // Neighbours of one key are one entry.
  const groups: { name: string; texts: string[] }[] = [];
  for (const decision of span.decisions) {
    const lastGroup = groups[groups.length - 1];
    if (lastGroup?.name === decision.key) lastGroup.texts.push(decision.text);
    else groups.push({ name: decision.key, texts: [decision.text] });
  }
  return (
    <article className="hop">
      <h3><span className={`mark ${span.hop}`} />{HOP_NAMES[span.hop] ?? span.hop} <span className="quiet">{span.resource}</span><Badge tone={statusTone(span.status)}>{span.status || 'cut'}</Badge></h3>
      <dl className="decisions">{groups.map((group, index) => <Lines key={index} name={group.name} texts={group.texts} />)}</dl>
      {!groups.length && <p className="quiet">This hop decided nothing.</p>}
    </article>
  );
}

// One sentence for those who read no further. What went wrong was decided at the last hop that was asked.
function summary(hops: api.Span[]): string {
  const root = hops[0];
  const last = hops[hops.length - 1];
  const said = (span: api.Span, key: string) => span.decisions.findLast((decision) => decision.key === key)?.text;
  if (root.status >= 400 || !root.status) {
    const error = said(last, 'denied') ?? said(last, 'error') ?? said(last, 'distribution');
    if (error) return error;
    const target = said(last, 'target');
    if (last.hop === 'alb' && target) return `target ${target.split(': ')[0]} answered ${last.status}`;
  }
  const cache = cacheOf(root);
  if (cache) return `${cache.word}${cache.reason ? `: ${cache.reason}` : ''}`;
  const operation = operationOf(root);
  return operation ?? root.decisions[0]?.text ?? '';
}

function again(root: api.Span, status: api.Status): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const method = root.method === 'GET' ? '' : root.method === 'HEAD' ? '-I ' : `-X ${root.method} `;
  return `curl ${method}-H ${quote(`Host: ${root.host}`)} ${quote(status.viewer_endpoint + root.target)}`;
}

export function Trace({ id, spans, status, close }: { id: string; spans: api.Span[]; status: api.Status; close: () => void }) {
  const [own, setOwn] = useState<{ id: string; spans: api.Span[] }>();
  const [problem, setProblem] = useState<string>();
  const place = useRef<HTMLElement>(null);

  useEffect(() => {
    if (!id) { setOwn(undefined); return; }
    let current = true;
    api.traceOf(id).then((answer) => { if (current) { setOwn({ id, spans: answer.spans }); setProblem(undefined); } },
      (error: Error) => { if (current) setProblem(error.message); });
    return () => { current = false; };
  }, [id]);

  // Where the columns stand below each other, the trace is out of sight.
  useEffect(() => {
    if (id && place.current && place.current.getBoundingClientRect().top > window.innerHeight * 0.8) place.current.scrollIntoView({ behavior: 'smooth' });
  }, [id]);

  if (!id)
    return (
      <section aria-label="Trace" className="trace" ref={place}>
        <h2>Trace</h2>
        <Hint title="Choose a request">Its way through the stack appears here: which behavior matched, what is in the cache key, hit or miss and why, which headers were dropped by which policy, which target answered.</Hint>
      </section>
    );

  const found = own?.id === id ? own.spans : [];
  const hops = ordered(found);
  const root = hops[0]?.span;
  const meanwhile = root ? spans.filter((span) => (span.hop === 'db' || span.hop === 'redis') && beginOf(span) >= beginOf(root) && endOf(span) <= endOf(root)).slice(0, 12) : [];
  return (
    <section aria-label="Trace" className="trace" ref={place}>
      <h2>Trace <button className="close" onClick={close}>Close</button></h2>
      {problem && <div className="notice bad" role="alert">{problem}</div>}
      {own?.id === id && !root && !problem && <Hint title="This request is no longer kept">Only recent requests are. Send it again and choose the new line.</Hint>}
      {root && (
        <>
          <p className="line"><Badge tone={statusTone(root.status)}>{root.status || 'cut'}</Badge> <b>{root.method}</b> <span>{root.host}{root.target}</span></p>
          <p className="summary"><Dot health={root.status >= 500 || !root.status ? 'bad' : root.status >= 400 ? 'waiting' : 'good'} />{summary(hops.map(({ span }) => span))}</p>
          <Waterfall hops={hops} meanwhile={meanwhile} />
          {hops.map(({ span }) => <Hop key={span.sequence} span={span} />)}
          <div className="again">
            <Copy text={root.id} label={`id ${root.id.slice(0, 14)}…`} />
            <Copy text={`dodam trace ${root.id}`} label="dodam trace" />
          </div>
          {(root.hop === 'edge' || root.hop === 'alb') && <Command text={again(root, status)} />}
        </>
      )}
    </section>
  );
}
