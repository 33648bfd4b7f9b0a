// See script/soak. What is watched: resident memory all the time, descriptors and threads after the first
// half minute and at the end, every answer's status, and that invalidated objects are asked for again.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as peers from './peers.mjs';

const seconds = Number(process.argv[2] ?? 10) * 60;
const budgetMiB = 64, allowedMiB = 32;
const work = mkdtempSync(path.join(os.tmpdir(), 'dodam-soak-'));
let failures = 0;
const fail = (what) => { ++failures; console.log(`FAILED: ${what}`); };
const end = Date.now() + seconds * 1000;

// Runs a program again and again until the time is over, each run one after the other.
const again = async (command, args, what) => {
  let runs = 0;
  while (Date.now() < end) {
    const child = spawn(command, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (bytes) => { said += bytes; });
    child.stderr.on('data', (bytes) => { said += bytes; });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    ++runs;
    if (code !== 0) fail(`${what}: exit ${code}: ${said.slice(0, 300)}`);
    if (failures > 10) return runs;
  }
  return runs;
};

try {
  const origin = await peers.startOrigin(), second = await peers.startOrigin();
  const dodam = await peers.startDodam(work, origin);
  const host = (await peers.openBalancer(dodam, origin)).dns_name;
  await peers.until('the balancer answers', 60, async () => (await peers.ask(dodam.port, '/b/1024/lb', host))?.status === 200);
  const held = () => ({ descriptors: readdirSync(`/proc/${dodam.pid}/fd`).length, threads: readdirSync(`/proc/${dodam.pid}/task`).length });

  let most = 0, early = null;
  const begun = Date.now();
  const watch = setInterval(() => {
    most = Math.max(most, peers.residentOf(dodam.pid));
    if (!early && Date.now() - begun > Math.min(30_000, seconds * 250)) early = held();
  }, 250);

  const changes = async () => {
    const id = Object.values(dodam.status().distributions)[0].id;
    const group = dodam.aws('elbv2', 'describe-target-groups', '--names', 'origin').TargetGroups[0].TargetGroupArn;
    let rounds = 0;
    for (; Date.now() < end; ++rounds) {
      // A path of its own is held, invalidated, and asked for again.
      const target = `/b/1024/soak-${rounds}`;
      await peers.ask(dodam.port, target, peers.edgeHost);
      const invalidation = dodam.aws('cloudfront', 'create-invalidation', '--distribution-id', id, '--paths', target, `/b/1024/${rounds % 10}*`);
      if (!invalidation.Invalidation?.Id) fail('an invalidation was refused');
      const { head } = (await peers.ask(dodam.port, target, peers.edgeHost)) ?? { head: 'no answer' };
      if (!/x-cache: miss/i.test(head)) fail(`after its invalidation ${target} is not a miss: ${head.slice(0, 200)}`);
      // A deploy: the new task is registered, the old one leaves; the distribution's configuration changes.
      const [comes, goes] = rounds % 2 ? [origin, second] : [second, origin];
      dodam.aws('elbv2', 'register-targets', '--target-group-arn', group, '--targets', `Id=127.0.0.1,Port=${comes.port}`);
      dodam.aws('elbv2', 'deregister-targets', '--target-group-arn', group, '--targets', `Id=127.0.0.1,Port=${goes.port}`);
      const { ETag, DistributionConfig } = dodam.aws('cloudfront', 'get-distribution-config', '--id', id);
      DistributionConfig.Comment = `round ${rounds}`;
      dodam.aws('cloudfront', 'update-distribution', '--id', id, '--if-match', ETag, '--distribution-config', JSON.stringify(DistributionConfig));
      await peers.wait(500);
    }
    return rounds;
  };

  const [rounds, objectRuns] = await Promise.all([
    changes(),
    again(peers.clientBinary, ['zipf', dodam.port, peers.edgeHost, 200_000, 50_000, 16], 'objects'),
    again(peers.clientBinary, ['load', dodam.port, peers.edgeHost, '/b/102400/large', 64, 5], 'hits'),
    again(peers.clientBinary, ['load', dodam.port, host, '/b/1024/lb', 32, 5], 'balancer'),
  ]);
  await peers.wait(8000);   // helper threads end
  clearInterval(watch);
  const late = held();
  const figures = `${(seconds / 60).toFixed(1)} min, ${objectRuns * 50_000} requests over 200,000 objects, ${rounds} rounds of invalidation and deploy`;
  console.log(`${figures}: memory at most ${most.toFixed(1)} MiB (budget ${budgetMiB} + ${allowedMiB}), descriptors ${early.descriptors} → ${late.descriptors}, threads ${early.threads} → ${late.threads}`);
  if (most > budgetMiB + allowedMiB) fail(`memory: ${most.toFixed(1)} MiB`);
  if (late.descriptors > early.descriptors + 8) fail('descriptors grow');
  if (late.threads > early.threads + 2) fail('threads grow');
} catch (error) {
  fail(error.stack);
} finally {
  await peers.stopAll();
  rmSync(work, { recursive: true, force: true });
}
console.log(failures === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
process.exit(failures === 0 ? 0 : 1);
