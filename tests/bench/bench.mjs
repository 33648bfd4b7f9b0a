// Measures the edge and the balancer beside their peers, all on this machine's loopback and before one
// origin: samples are taken in turn (A B C A B C …), and what is compared is the ratio within each round,
// so that a machine whose speed drifts does not decide. See script/bench for the flags.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { deploys, patience } from './deploys.mjs';
import * as peers from './peers.mjs';

const run = promisify(execFile);
const flags = process.argv.slice(2);
const quick = flags.includes('--quick');
const only = flags.includes('--only') ? flags[flags.indexOf('--only') + 1].split(',') : null;
const toFile = !quick && !only && !flags.includes('--stdout');
const number = (flag, otherwise) => (flags.includes(flag) ? Number(flags[flags.indexOf(flag) + 1]) : otherwise);
const seconds = number('--seconds', quick ? 1 : 3);
const rounds = number('--rounds', quick ? 1 : 5);

const lines = [];
const say = (line = '') => { lines.push(line); console.log(line); };
const row = (...cells) => say(`| ${cells.join(' | ')} |`);
const table = (...heads) => { row(...heads); row(...heads.map((_, i) => (i === 0 ? '---' : '---:'))); };
const median = (values) => { const sorted = [...values].sort((a, b) => a - b); const half = sorted.length >> 1; return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2; };
const thousands = (value) => `${(value / 1000).toFixed(1)} k`;
const ms = (value) => `${value.toFixed(2)} ms`;

// One sample: { rate, p50, p99, spent }, times in ms; `spent` is what the process measured took of the
// processors for one request, in µs.
const sample = async (one, host, target, connections) => {
  const before = peers.processorSeconds(one.pid);
  const { stdout } = await run(...peers.atLoad(peers.clientBinary, ...['load', one.port, host, target, connections, seconds].map(String)));
  const [rate, p50, p99] = stdout.split(' ').map(Number);
  return { rate, p50, p99, spent: ((peers.processorSeconds(one.pid) - before) * 1e6) / (rate * seconds) };
};

// Rounds of one sample each; gives per contestant the samples in order.
const inTurn = async (contestants, measure) => {
  const samples = contestants.map(() => []);
  for (let round = 0; round < rounds; ++round)
    for (let i = 0; i < contestants.length; ++i) {
      const at = (i + round) % contestants.length;
      samples[at].push(await measure(contestants[at]));
    }
  return samples;
};

// Ours first. Ratio: rate over the better peer's of the same round; p99 over that same peer's.
const compare = (label, contestants, samples) => {
  const ratios = [], tails = [];
  for (let round = 0; round < rounds; ++round) {
    const best = samples.slice(1).map((list) => list[round]).reduce((a, b) => (a.rate >= b.rate ? a : b));
    ratios.push(samples[0][round].rate / best.rate);
    tails.push(samples[0][round].p99 / best.p99);
  }
  row(label, ...samples.flatMap((list) => [`${thousands(median(list.map((s) => s.rate)))} · ${median(list.map((s) => s.p50)).toFixed(2)} / ${median(list.map((s) => s.p99)).toFixed(2)} · ${median(list.map((s) => s.spent)).toFixed(1)}`]),
    `**${median(ratios).toFixed(2)}**`, median(tails).toFixed(2));
};

const hits = async (work, origin) => {
  say('## Cache hits');
  say();
  say('Requests per second · p50 / p99 in ms · processor time of the server per request in µs; ratio of dodam to the better peer, round by round.');
  say();
  const contestants = [await peers.startDodam(work, origin), await peers.startNginxCache(work, origin), await peers.startVarnish(work, origin)];
  table('body, connections', ...contestants.map((one) => one.name), 'ratio', 'p99 ratio');
  for (const [size, label] of [[1024, '1 KiB'], [102400, '100 KiB']])
    for (const connections of quick ? [64] : [8, 64, 512]) {
      const target = `/b/${size}/hit`;
      for (const one of contestants) for (let i = 0; i < 3; ++i) await peers.ask(one.port, target, peers.edgeHost);
      compare(`${label}, ${connections}`, contestants, await inTurn(contestants, (one) => sample(one, peers.edgeHost, target, connections)));
    }
  for (const one of contestants) await one.stop();
  say();
};

const proxy = async (work, origin) => {
  say('## One hop through the balancer');
  say();
  say('Requests per second · p50 / p99 in ms · processor time of the server per request in µs; 1 KiB, not cached, the same upstream; ratio to the better peer.');
  say();
  const dodam = await peers.startDodam(work, origin);
  const host = (await peers.openBalancer(dodam, origin)).dns_name;
  await peers.until('the balancer answers', 60, async () => (await peers.ask(dodam.port, '/b/1024/lb', host))?.status === 200);
  const contestants = [dodam, await peers.startNginxProxy(work, origin), await peers.startHaproxy(work, origin)];
  table('connections', ...contestants.map((one) => one.name), 'ratio', 'p99 ratio');
  for (const connections of quick ? [64] : [8, 64])
    compare(`${connections}`, contestants, await inTurn(contestants, (one) => sample(one, host, '/b/1024/lb', connections)));
  for (const one of contestants) await one.stop();
  say();
};

const distributions = async (work, origin) => {
  say('## 1,000 distributions');
  say();
  const few = await peers.startDodam(work, origin);
  const many = await peers.startDodam(work, origin, { more: 1000 });
  for (const one of [few, many]) await peers.ask(one.port, '/b/1024/hit', peers.edgeHost);
  const samples = await inTurn([few, many], (one) => sample(one, peers.edgeHost, '/b/1024/hit', 64));
  const ratios = samples[1].map((sample, round) => sample.rate / samples[0][round].rate);
  table('1 KiB hits, 64 connections', 'requests per second', 'memory');
  row('1 distribution', thousands(median(samples[0].map((s) => s.rate))), `${peers.residentOf(few.pid).toFixed(1)} MiB`);
  row('1,001 distributions', thousands(median(samples[1].map((s) => s.rate))), `${peers.residentOf(many.pid).toFixed(1)} MiB`);
  row('ratio', `**${median(ratios).toFixed(2)}**`, '');
  for (const one of [few, many]) await one.stop();
  say();
};

const objects = async (work, origin) => {
  const count = 100_000, requests = quick ? 60_000 : 400_000;
  say('## 100,000 objects in 64 MiB');
  say();
  say(`${requests.toLocaleString('en')} requests for 1 KiB objects by Zipf's law over 16 connections, the same sequence for each.`);
  say();
  table('', 'hit ratio', 'memory', 'requests per second');
  for (const start of [peers.startDodam, peers.startVarnish, peers.startNginxCache]) {
    const one = await start(work, origin);
    const before = await origin.count();
    let stdout = 'NaN';
    try {
      ({ stdout } = await run(...peers.atLoad(peers.clientBinary, ...['zipf', one.port, peers.edgeHost, count, requests, 16].map(String))));
    } catch {
      row(one.name, 'a request failed', '', '');
      await one.stop();
      continue;
    }
    const missed = (await origin.count()) - before;
    row(one.name, `${(100 * (1 - missed / requests)).toFixed(1)} %`, `${peers.residentMiB(one.pid).toFixed(0)} MiB`, thousands(Number(stdout)));
    await one.stop();
  }
  say();
  say('nginx keeps its bodies on disk (the page cache is not counted), with its index in 64 MiB of shared memory.');
  say();
};

// Viewers that are connected first and then ask all at once; gives the statuses.
const storm = (port, host, target, viewers) => new Promise((resolve, reject) => {
  const sockets = [];
  let connected = 0, ended = 0;
  const statuses = [];
  for (let i = 0; i < viewers; ++i) {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    sockets.push(socket);
    socket.on('error', reject);
    socket.setTimeout(20000, () => reject(new Error('a viewer got no answer')));
    socket.on('connect', () => {
      if (++connected === viewers) for (const one of sockets) one.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (bytes) => { text += bytes.toString('latin1'); });
    socket.on('close', () => {
      statuses.push(text.slice(9, 12) === '200' && text.length > 1024 ? 200 : text.slice(9, 12));
      if (++ended === viewers) resolve(statuses);
    });
  }
});

const missStorm = async (work, origin) => {
  say('## A miss storm');
  say();
  say('500 viewers ask at the same time for one object that nobody holds; the origin takes 400 ms.');
  say();
  table('', 'answers 200', 'requests at the origin', 'memory');
  for (const start of [peers.startDodam, peers.startVarnish, peers.startNginxCache]) {
    const one = await start(work, origin);
    const before = await origin.count();
    const statuses = await storm(one.port, peers.edgeHost, '/slow/storm', 500);
    row(one.name, statuses.filter((status) => status === 200).length, (await origin.count()) - before, `${peers.residentMiB(one.pid).toFixed(0)} MiB`);
    await one.stop();
  }
  say();
};

// From the start of the process to the first byte of an answer on the AWS port.
const startOnce = async (state, stack) => {
  const [aws, viewer, tls] = [await peers.freePort(), await peers.freePort(), await peers.freePort()];
  const begun = process.hrtime.bigint();
  const child = spawn(peers.dodamBinary, ['up', ...stack, '--state', state, '--runtime', 'process', '--aws-port', aws, '--http-port', viewer, '--https-port', tls].map(String),
    { stdio: 'ignore', cwd: path.dirname(state) });
  const exited = new Promise((resolve) => child.on('exit', resolve));
  const answered = await new Promise((resolve, reject) => {
    const attempt = () => {
      if (process.hrtime.bigint() - begun > 20_000_000_000n) return reject(new Error('no answer within 20 s'));
      const socket = net.connect(aws, '127.0.0.1', () => socket.write('GET /_dodam/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'));
      socket.on('error', () => setTimeout(attempt, 0));
      socket.once('data', () => { resolve(Number(process.hrtime.bigint() - begun) / 1e6); socket.destroy(); });
    };
    attempt();
  });
  return { answered, child, exited };
};

const starts = async (work) => {
  say('## Start and memory');
  say();
  const turns = quick ? 3 : 20;
  const home = path.join(work, 'starts');
  mkdirSync(home);
  const took = { first: [], second: [] }, resident = [];
  for (let i = 0; i < turns; ++i)
    for (const which of ['first', 'second']) {
      const { answered, child, exited } = await startOnce(path.join(home, `state${i}`), []);
      took[which].push(answered);
      if (which === 'second') { await peers.wait(200); resident.push(peers.residentOf(child.pid)); }
      child.kill('SIGTERM');
      await exited;
    }
  table('', 'median', 'min', 'max');
  for (const [which, label] of [['first', 'first start of an empty stack, to the first answer'], ['second', 'second start, to the first answer']])
    row(label, ms(median(took[which])), ms(Math.min(...took[which])), ms(Math.max(...took[which])));
  row('memory, empty stack', `${median(resident).toFixed(1)} MiB`, '', '');
  if (!quick) {
    const state = path.join(home, 'sample');
    const { child, exited } = await startOnce(state, ['-f', path.resolve(import.meta.dirname, '../../fixtures/app/dodam.json')]);
    try {
      await peers.until('the sample stack is up', 240, () => {
        const status = JSON.parse(execFileSync(peers.dodamBinary, ['status', '--state', state, '--json'], { encoding: 'utf8' }));
        return Object.values(status.services).every((service) => service.running > 0 && service.running === service.desired);
      });
      await peers.wait(3000);
      row('memory, the sample stack (its tasks, MariaDB and Redis are processes of their own)', `${peers.residentOf(child.pid).toFixed(1)} MiB`, '', '');
    } catch (error) {
      row(`memory, the sample stack: not measured (${String(error.message).split('\n')[0]})`, '', '', '');
    }
    child.kill('SIGTERM');
    await exited;
  }
  say();
};

// What running scenarios costs beside the requests themselves: on the sample stack, each in a world.
const scenarioRuns = async (work) => {
  say('## Scenarios');
  say();
  const home = path.join(work, 'scenarios'), state = path.join(home, 'state'), files = path.join(home, 'files');
  mkdirSync(path.join(home, 'dist'), { recursive: true });
  mkdirSync(files);
  writeFileSync(path.join(home, 'dist', 'index.html'), '<p>hello</p>');
  const stack = path.resolve(import.meta.dirname, '../../fixtures/app/dodam.json');
  const run = (...flags) => JSON.parse(execFileSync(peers.dodamBinary,
    ['run', '-f', stack, '--state', state, '--runtime', 'process', '--format', 'json', ...flags], { encoding: 'utf8', maxBuffer: 1 << 30 }));
  const write = (name, steps) => {
    const file = path.join(files, `${name}.scenario.json`);
    writeFileSync(file, JSON.stringify({ version: 1, scenario: 'what is measured', steps }));
    return file;
  };
  const count = quick ? 50 : 500;
  const deploy = { deploy: 'frontend', dist: path.join(home, 'dist') };
  const get = (target) => ({ GET: target, expect: { status: 200 } });
  for (let i = 0; i < count; ++i)
    write(`many-${i}`, ['front:/index.html', 'front:/', 'front:/a/b', 'front:/c', 'front:/index.html'].map((target) => ({ GET: target, expect: { status: { in: [200, 403] } } })));
  try {
    run(write('warm', [deploy, get('front:/index.html')]), '-j', '1');
    run('-j', '2', path.join(files, 'many-0.scenario.json'), path.join(files, 'many-1.scenario.json'));   // both worlds are there
    const many = run('-j', '2', ...Array.from({ length: count }, (_, i) => path.join(files, `many-${i}.scenario.json`)));
    const over = many.scenarios.flatMap((s) => s.steps).map((step) => step.took_us - step.exchange.response.took_us);
    const writes = write('writes', [{ sql: 'CREATE TABLE leftover (a INT)' }, { redis: ['SET', 'left', 'over'] }]);
    const world = path.join(state, 'worlds', '1-base'), resets = [];
    for (let i = 0; i < (quick ? 3 : 10); ++i) {
      execFileSync(peers.dodamBinary, ['run', '--here', '--state', world, '--format', 'json', writes], { stdio: 'ignore' });
      const info = JSON.parse(readFileSync(path.join(world, 'instance.json'), 'utf8'));
      const begun = performance.now();
      const answer = await fetch(`${info.aws_endpoint}/_dodam/v1/baseline`, { method: 'POST', body: '{}', headers: { 'x-dodam-token': info.token, 'content-type': 'application/json' } });
      if (!(await answer.json()).reset.includes('database')) throw new Error('nothing was reset');
      resets.push(performance.now() - begun);
    }
    table('', 'measured', 'at most');
    row(`${count} scenarios of 5 requests in one run, two worlds`, `${(many.took_us / 1e6).toFixed(1)} s`, '15 s');
    row('a step beside its request, median', `${(median(over) / 1000).toFixed(2)} ms`, '1 ms');
    row('going back after both stores were written, median', `${median(resets).toFixed(0)} ms`, '400 ms');
  } finally {
    execFileSync(peers.dodamBinary, ['down', '--state', state], { stdio: 'ignore' });
  }
  say();
};

const machine = () => {
  const model = /model name\s*:\s*(.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? os.arch();
  const version = (command, ...args) => { try { return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }); } catch { return ''; } };
  const commit = version('git', 'rev-parse', '--short', 'HEAD').trim();
  const packageVersion = (name) => version('dpkg-query', '-W', '-f=${Version}', name);
  return `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · ${os.cpus().length} × ${model} · Linux ${os.release()} · commit ${commit} · ` +
    `nginx ${packageVersion('nginx-light')}, Varnish ${packageVersion('varnish')}, HAProxy ${packageVersion('haproxy')} · load at the start ${os.loadavg()[0].toFixed(1)}`;
};

const tell = { say, row, table, median };
const sections = { hits, proxy, distributions, objects, storm: missStorm, start: starts, scenarios: scenarioRuns, deploys: (work) => deploys(work, quick, tell) };
if (only?.includes('patience')) sections.patience = (work) => patience(work, tell);
const work = mkdtempSync(path.join(os.tmpdir(), 'dodam-bench-'));
try {
  say('# Results of script/bench');
  say();
  say(machine());
  say();
  say(`${rounds} rounds of ${seconds} s each, in turn; medians. Whoever is measured has one processor to itself; the load and the origin have the ${os.cpus().length - 1 === 1 ? 'other' : 'others'}.`);
  say();
  const origin = await peers.startOrigin();
  for (const [name, section] of Object.entries(sections)) if (!only || only.includes(name)) await section(work, origin);
  if (toFile) {
    // What was written by hand stays: from this heading to the end.
    const file = path.join(import.meta.dirname, 'RESULTS.md'), before = readFileSync(file, 'utf8'), kept = before.indexOf('## Beside the table');
    writeFileSync(file, `${lines.join('\n').trim()}\n${kept < 0 ? '' : `\n${before.slice(kept)}`}`);
  }
} finally {
  await peers.stopAll();
  rmSync(work, { recursive: true, force: true });
}
