// Bytes on raw sockets against the edge and the balancer of a real instance, before an origin that lies:
// each gets the documented status, nobody gets another's bytes, nothing cut short is stored, nothing
// smuggled arrives, and in the end the process has what it began with (cloudfront.md §6, alb.md §2 and §11,
// RFC 9112 §11).
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { edgeHost, openBalancer, startDodam, stopAll, until } from '../bench/peers.mjs';

let checks = 0, failures = 0;
const check = (what, holds, detail = '') => {
  ++checks;
  if (holds) return;
  ++failures;
  console.log(`FAILED: ${what}\n        ${String(detail).slice(0, 400)}`);
};

// ---- The origin: raw, and a liar ---------------------------------------------------------------
const seen = [];   // request lines
const bodies = new Map();
const big = 'B'.repeat(3 << 20);
const head = (rest, status = '200 OK') => `HTTP/1.1 ${status}\r\nCache-Control: max-age=600\r\n${rest}\r\n`;
const lies = {
  '/short': (s) => s.end(head('Content-Length: 100\r\n') + 'ten bytes.'),
  '/short-big': (s) => s.end(head(`Content-Length: ${big.length + 100}\r\n`) + big),
  '/long': (s) => s.write(head('Content-Length: 5\r\n') + 'five!HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled'),
  '/chunk-cut': (s) => s.end(head('Transfer-Encoding: chunked\r\n') + '64\r\nten bytes.'),
  '/chunk-no-last': (s) => s.end(head('Transfer-Encoding: chunked\r\n') + 'a\r\nten bytes.\r\n'),
  '/chunk-bad': (s) => s.end(head('Transfer-Encoding: chunked\r\n') + 'zz\r\nten bytes.\r\n0\r\n\r\n'),
  '/chunk-huge': (s) => s.end(head('Transfer-Encoding: chunked\r\n') + 'ffffffffffffffffff\r\nten bytes.\r\n0\r\n\r\n'),
  '/chunk-extension': (s) => s.write(head('Transfer-Encoding: chunked\r\n') + 'a;x="y"\r\nten bytes.\r\n0;z\r\nT: v\r\n\r\n'),
  '/both': (s) => s.end(head('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n') + 'a\r\nten bytes.\r\n0\r\n\r\n'),
  '/two-lengths': (s) => s.end(head('Content-Length: 3\r\nContent-Length: 10\r\n') + 'ten bytes.'),
  '/bad-length': (s) => s.end(head('Content-Length: -1\r\n') + 'ten bytes.'),
  '/no-status': (s) => s.end('ten bytes.'),
  '/nothing': (s) => s.end(),
  '/reset': (s) => s.resetAndDestroy(),
  '/huge-head': (s) => s.end(head(`X-Long: ${'a'.repeat(200_000)}\r\nContent-Length: 0\r\n`)),
  '/until-close': (s) => s.end(head('') + 'ten bytes.'),
  '/big': (s) => s.write(head(`Content-Length: ${big.length}\r\n`) + big),
};
const origin = net.createServer((socket) => {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = text.slice(0, end).split('\r\n');
      const [method, target] = lines[0].split(' ');
      const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      const chunked = /^transfer-encoding:/im.test(text.slice(0, end));
      let body = text.slice(end + 4, end + 4 + length), rest = end + 4 + length;
      if (chunked) {
        const last = text.indexOf('0\r\n\r\n', end + 4);
        if (last < 0) return;
        body = text.slice(end + 4, last).replace(/[0-9a-f]+\r\n([^\r]*)\r\n/g, '$1');
        rest = last + 5;
      } else if (text.length < rest) return;
      text = text.slice(rest);
      const file = target.split('?')[0];
      seen.push(`${method} ${target}`);
      bodies.set(target, body);
      if (lies[file]) lies[file](socket);
      else if (file.startsWith('/n/')) {
        const own = `body of ${target};`.repeat(20);
        socket.write(head(`Content-Length: ${own.length}\r\n`) + own);
      } else socket.write(head('Content-Length: 2\r\n') + 'ok');
    }
  });
});
await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
const asked = (target) => seen.filter((line) => line.split(' ')[1].split('?')[0] === target).length;

// ---- A raw viewer ------------------------------------------------------------------------------
// Sends the pieces, then reads to the end or until `done` says enough.
const converse = (port, pieces, { fin = false, done = () => false, timeout = 15000 } = {}) => new Promise((resolve) => {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '', reset = false;
  const finish = (how) => { socket.destroy(); resolve({ text, how, reset, status: Number(/^HTTP\/1\.[01] (\d+)/.exec(text)?.[1] ?? 0) }); };
  socket.setTimeout(timeout, () => finish('timeout'));
  socket.on('error', () => { reset = true; });
  socket.on('data', (bytes) => { text += bytes.toString('latin1'); if (done(text)) finish('done'); });
  socket.on('end', () => finish('end'));
  socket.on('close', () => finish('end'));
  socket.on('connect', () => {
    for (const piece of [pieces].flat()) socket.write(Buffer.from(piece, 'latin1'));
    if (fin) socket.end();
  });
});
const complete = (text) => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end));
  if (length) return text.length >= end + 4 + Number(length[1]);
  return /^transfer-encoding: chunked/im.test(text.slice(0, end)) && text.endsWith('0\r\n\r\n');
};
const whole = { done: complete };
// What a client that believes the framing takes for the body; null: it notices that something is missing.
const bodyOf = ({ text }) => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const top = text.slice(0, end), rest = text.slice(end + 4);
  const length = /^content-length: (\d+)/im.exec(top);
  if (length) return rest.length >= Number(length[1]) ? rest.slice(0, Number(length[1])) : null;
  if (!/^transfer-encoding: chunked/im.test(top)) return null;
  let body = '', at = 0;
  for (;;) {
    const line = rest.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = parseInt(rest.slice(at, line), 16);
    if (!size) return Number.isNaN(size) || rest.indexOf('\r\n\r\n', line) < 0 ? null : body;
    if (rest.length < line + 2 + size + 2) return null;
    body += rest.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
};

const work = mkdtempSync(path.join(os.tmpdir(), 'dodam-hostile-'));
try {
  const originPort = { port: origin.address().port };
  const dodam = await startDodam(work, originPort);
  const port = dodam.port;
  const albHost = (await openBalancer(dodam, originPort)).dns_name;
  const get = (host, target, headers = '') => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`;
  await until('the balancer answers', 30, async () => (await converse(port, get(albHost, '/'), whole)).status === 200);
  const held = () => ({ descriptors: readdirSync(`/proc/${dodam.pid}/fd`).length, threads: readdirSync(`/proc/${dodam.pid}/task`).length });
  const before = held();

  // ---- Requests that could be read in two ways -------------------------------------------------
  const inner = `GET /smuggled HTTP/1.1\r\nHost: ${edgeHost}\r\n\r\n`;
  const cases = [
    // name, bytes after the request line and Host, statuses at the edge, at the balancer (0: closed without an answer)
    ['Content-Length and Transfer-Encoding', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`, [400], [200, 400]],
    ['two different Content-Lengths', `Content-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`, [400], [400]],
    ['a list of Content-Lengths', `Content-Length: 0, ${inner.length}\r\n\r\n${inner}`, [400], [400]],
    ['a negative Content-Length', `Content-Length: -1\r\n\r\n${inner}`, [400], [400]],
    ['a Content-Length with a sign', `Content-Length: +0\r\n\r\n${inner}`, [400], [400]],
    ['a Content-Length beyond 64 bits', `Content-Length: 99999999999999999999\r\n\r\n`, [400], [400]],
    ['an unknown transfer coding', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`, [400], [400, 501]],
    ['chunked before another coding', `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`, [400], [200, 400, 501]],
    ['two Transfer-Encodings', `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${inner}`, [400], [200, 400, 501]],
    ['Transfer-Encoding with a vertical tab', `Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${inner}`, [400], [200, 400, 501]],
    ['a folded Transfer-Encoding', `Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${inner}`, [400], [200, 400, 501]],
    ['a space before the colon of Content-Length', `Content-Length : ${inner.length}\r\n\r\n${inner}`, [400], [200, 400]],
    ['a folded header', 'X-A: b\r\n c\r\n\r\n', [400], [200, 400]],
    ['a header without a colon', 'nonsense\r\n\r\n', [400], [200, 400]],
    ['a NUL in a header', 'X-A: b\0c\r\n\r\n', [400], [400]],
    ['a bare CR in a header', 'X-A: b\rc\r\n\r\n', [400], [400]],
    ['lines that end in LF alone', 'X-A: b\n\n', [400], [200]],
    ['two Hosts', 'Host: elsewhere.example\r\n\r\n', [400], [200, 400]],
    ['a chunk size that is no number', 'Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n', [400, 403], [400, 502]],
    ['a chunk size beyond 64 bits', 'Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff0\r\nhello\r\n0\r\n\r\n', [400, 403], [400, 502]],
    ['25 KB of headers', `${Array.from({ length: 5 }, (_, i) => `X-${i}: ${'a'.repeat(5000)}\r\n`).join('')}\r\n`, [413], [200]],
    ['80 KB of headers', `${Array.from({ length: 16 }, (_, i) => `X-${i}: ${'a'.repeat(5000)}\r\n`).join('')}\r\n`, [413], [400]],
    ['a header of 1 MB', `X-A: ${'a'.repeat(1 << 20)}\r\n\r\n`, [413], [400]],
    ['20,000 headers', `${'A: b\r\n'.repeat(20_000)}\r\n`, [413], [400]],
  ];
  for (const [name, rest, atEdge, atBalancer] of cases)
    for (const [plane, host, statuses, method] of [['edge', edgeHost, atEdge, 'GET'], ['balancer', albHost, atBalancer, 'POST']]) {
      const answer = await converse(port, `${method} /hostile HTTP/1.1\r\nHost: ${host}\r\n${rest}`, { fin: true });
      check(`${plane}: ${name}`, statuses.includes(answer.status) && answer.how !== 'timeout', `${answer.how} ${answer.text.slice(0, 200)}`);
    }
  const lines = [
    ['a URL of 9 KB', (host) => get(host, `/${'a'.repeat(9000)}`), [413], [200]],
    ['a URL of 200 KB', (host) => get(host, `/${'a'.repeat(200_000)}`), [413], [413, 414]],   // the edge's page where the Host was never read
    ['no version', () => 'GET /\r\n\r\n', [0], [0]],   // HTTP/0.9: the page alone
    ['a method that is no token', (host) => `G@T / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, [400], [400]],
    ['a target with a space', (host) => `GET /a b HTTP/1.1\r\nHost: ${host}\r\n\r\n`, [400], [200, 400]],
    ['HTTP/2 without an upgrade', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 403, 0], [400, 403, 0]],
    ['a TLS hello in the clear', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + 'x'.repeat(300) + '\n\n', [400, 403, 0], [400, 403, 0]],
  ];
  for (const [name, bytes, atEdge, atBalancer] of lines)
    for (const [plane, host, statuses] of [['edge', edgeHost, atEdge], ['balancer', albHost, atBalancer]]) {
      const answer = await converse(port, bytes(host), { fin: true });
      check(`${plane}: ${name}`, statuses.includes(answer.status) && answer.how !== 'timeout', `${answer.how} ${answer.text.slice(0, 200)}`);
    }
  check('nothing smuggled reached the origin by itself', asked('/smuggled') === 0 || !seen.some((line) => line.includes('/smuggled') && line.startsWith('GET')), seen.filter((line) => line.includes('smuggled')));
  const chunks = await converse(port, `POST /chunks HTTP/1.1\r\nHost: ${albHost}\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0\r\n\r\n`, whole);
  check('chunk extensions of a request are read and not passed on', chunks.status === 200 && bodies.get('/chunks') === 'hello', bodies.get('/chunks'));

  // ---- Origins that lie ------------------------------------------------------------------------
  const truths = ['/chunk-extension', '/until-close', '/big'];
  for (const [plane, host] of [['edge', edgeHost], ['balancer', albHost]])
    for (const file of Object.keys(lies)) {
      const first = await converse(port, get(host, `${file}?${plane}`), whole);
      const count = asked(file);
      if (truths.includes(file)) {
        const expected = file === '/big' ? big : 'ten bytes.';
        check(`${plane}: ${file} arrives whole`, bodyOf(first) === expected, `${first.how} ${first.text.slice(0, 300)}`);
        continue;
      }
      if (file === '/long') {
        check(`${plane}: a body longer than its length is cut to it`, bodyOf(first) === 'five!', first.text);
        const next = await converse(port, get(host, '/n/after-long'), whole);
        check(`${plane}: what came behind it is nobody's answer`, bodyOf(next)?.startsWith('body of /n/after-long;'), next.text);
        continue;
      }
      check(`${plane}: ${file} is an error or visibly cut`, first.status >= 500 || bodyOf(first) === null, `${first.how} ${first.text.slice(0, 300)}`);
      if (plane === 'edge' && first.status === 200) {
        await converse(port, get(host, `${file}?${plane}`), whole);
        check(`edge: ${file} was not stored`, asked(file) > count, `${asked(file)} requests`);
      }
    }

  // ---- Viewers that lie or leave ---------------------------------------------------------------
  const posts = seen.length;
  const short = await converse(port, `POST /short-post HTTP/1.1\r\nHost: ${albHost}\r\nContent-Length: 100\r\n\r\nten bytes.`, { fin: true });
  check('balancer: a body shorter than its length is no request', short.status !== 200 && !seen.slice(posts).some((line) => line.includes('/short-post')), short.text);
  const halfOpen = await converse(port, get(edgeHost, '/n/half-open'), { fin: true });
  check('edge: a viewer that has finished writing gets its answer', bodyOf(halfOpen)?.startsWith('body of /n/half-open;'), halfOpen.text);
  for (const [plane, host] of [['edge', edgeHost], ['balancer', albHost]]) {
    for (let i = 0; i < 30; ++i)
      await new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.write(get(host, `/big?left-${i % 3}`)));
        socket.on('error', () => {});
        socket.once('data', () => { if (i % 2) socket.resetAndDestroy(); else socket.destroy(); });
        socket.on('close', resolve);
      });
    const after = await converse(port, get(host, '/big?left-0'), whole);
    check(`${plane}: after viewers that left amid it the body is whole`, bodyOf(after) === big, after.text.length);
  }
  // Slow ones hold nobody up, and are answered.
  const slow = Array.from({ length: 100 }, (_, i) => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const bytes = get(i % 2 ? albHost : edgeHost, `/n/slow-${i}`);
    let text = '', at = 0;
    const timer = setInterval(() => {
      if (at >= bytes.length) return clearInterval(timer);
      socket.write(bytes.slice(at, at + 9));
      at += 9;
    }, 10);
    socket.on('error', () => {});
    socket.on('data', (more) => { text += more.toString('latin1'); if (complete(text)) socket.destroy(); });
    socket.on('close', () => { clearInterval(timer); resolve(bodyOf({ text })?.startsWith(`body of /n/slow-${i};`)); });
    socket.setTimeout(15000, () => socket.destroy());
  }));
  const quick = await converse(port, get(edgeHost, '/n/quick'), whole);
  check('edge: slow viewers hold nobody up', bodyOf(quick)?.startsWith('body of /n/quick;'), quick.text);
  const slowOnes = await Promise.all(slow);
  check('slow viewers get their own answers', slowOnes.every(Boolean), slowOnes.indexOf(false));

  // ---- Many viewers, pipelining: everybody's own, in order ---------------------------------------
  const pipelined = await Promise.all(Array.from({ length: 40 }, async (_, viewer) => {
    const host = viewer % 2 ? albHost : edgeHost;
    const targets = Array.from({ length: 25 }, (_, i) => `/n/pipeline-${i % 3 ? viewer : 'shared'}-${i}`);
    const last = (text) => text.split('HTTP/1.1 200 OK').length - 1 === targets.length && text.endsWith(`body of ${targets.at(-1)};`);
    const { text } = await converse(port, targets.map((target) => get(host, target)).join(''), { done: last });
    const got = text.split(/HTTP\/1\.1 200 OK\r\n/).slice(1).map((one) => one.slice(one.indexOf('\r\n\r\n') + 4));
    return got.length === targets.length && targets.every((target, i) => got[i] === `body of ${target};`.repeat(20));
  }));
  check('pipelined answers never mix', pipelined.every(Boolean), pipelined.indexOf(false));

  // ---- Noise, always the same --------------------------------------------------------------------
  let state = 12345;
  const random = (n) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return (state >>> 8) % n; };
  const seeds = [get(edgeHost, '/n/noise', 'Range: bytes=0-5\r\nCookie: a=b\r\nAccept-Encoding: gzip\r\n'), get(albHost, '/n/noise', 'Expect: 100-continue\r\nContent-Length: 3\r\n') + 'abc'];
  let odd = 0;
  for (let i = 0; i < 400; ++i) {
    const bytes = [...seeds[i % 2]];
    for (let k = 0; k <= random(6); ++k) {
      const at = random(bytes.length);
      if (random(3) === 0) bytes.splice(at, random(20));
      else bytes[at] = String.fromCharCode(random(256));
    }
    const answer = await converse(port, bytes.join(''), { fin: true, timeout: 8000 });
    // Without a version the answer is a page alone.
    const plain = answer.status === 0 && answer.text !== '' && !answer.text.startsWith('<') && !answer.text.startsWith('body of /n/noise') && answer.text !== 'ok';
    if (answer.how === 'timeout' || plain) { ++odd; console.log(JSON.stringify(bytes.join('')), answer.how, answer.text.slice(0, 100)); }
  }
  check('noise is answered or closed', odd === 0, odd);

  // ---- And nothing is left behind ----------------------------------------------------------------
  check('the instance lives', (await converse(port, get(edgeHost, '/n/alive'), whole)).status === 200);
  let after;
  await until('descriptors and threads are given back', 20, () => {
    after = held();
    return after.descriptors <= before.descriptors + 260 && after.threads <= before.threads + 4;
  }).catch(() => {});
  check('threads are given back', after.threads <= before.threads + 4, `${before.threads} before, ${after.threads} after`);
  // Idle connections to the origin are kept.
  check('descriptors are given back', after.descriptors <= before.descriptors + 260, `${before.descriptors} before, ${after.descriptors} after`);
  check('nothing was logged as a mistake of ours', !/was not answered|assertion|terminate/i.test(dodam.said()), dodam.said());
  check('it ends when asked', await dodam.stop().then(() => true));
} catch (error) {
  ++failures;
  console.log(`FAILED: ${error.stack}`);
} finally {
  await stopAll();
  origin.close();
  rmSync(work, { recursive: true, force: true });
}
console.log(`${checks} checks, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
