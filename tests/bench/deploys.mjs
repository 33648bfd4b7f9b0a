// What a deploy costs: its time from UpdateService to COMPLETED, a push, the reconciler's rounds. Process runtime, so
// that the figures are the emulator's and not an engine's.
import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import * as peers from './peers.mjs';

const run = promisify(execFile);
const checkout = path.resolve(import.meta.dirname, '../..');
const seconds = (since) => (performance.now() - since) / 1000;
const show = (value) => `${value.toFixed(2)} s`;

const up = async (home, name, ...flags) => {
  const state = path.join(home, name);
  await run(peers.dodamBinary, ['up', '--detach', '--state', state, '--aws-port', '0', '--http-port', '0', '--https-port', '0', '--runtime', 'process', ...flags], { maxBuffer: 1 << 26 });
  const info = JSON.parse(readFileSync(path.join(state, 'instance.json'), 'utf8'));
  const call = async (service, operation, input) => {
    const targets = { ecs: 'AmazonEC2ContainerServiceV20141113', ecr: 'AmazonEC2ContainerRegistry_V20150921' };
    // curl signs, and starts in a tenth of the CLI's time.
    const { stdout } = await run('curl', ['-s', '--fail-with-body', '--max-time', '30', '--aws-sigv4', `aws:amz:us-east-1:${service}`, '--user', 'test:test', '-d', JSON.stringify(input), '-H', 'Content-Type: application/x-amz-json-1.1',
      '-H', `X-Amz-Target: ${targets[service]}.${operation}`, `${info.aws_endpoint}/`], { maxBuffer: 1 << 26 });
    return JSON.parse(stdout);
  };
  return { state, info, call, down: () => run(peers.dodamBinary, ['down', '--state', state]) };
};

// From UpdateService to one deployment that is COMPLETED.
const redeploy = async (dodam, cluster, service, atMost) => {
  const begun = performance.now();
  await dodam.call('ecs', 'UpdateService', { cluster, service, forceNewDeployment: true });
  await peers.until('the deployment is complete', atMost, async () => {
    const { deployments } = (await dodam.call('ecs', 'DescribeServices', { cluster, services: [service] })).services[0];
    return deployments.length === 1 && deployments[0].rolloutState === 'COMPLETED';
  });
  return seconds(begun);
};

const deployApp = async (dodam, app, tag, what) => {
  const begun = performance.now();
  await run(path.join(app, 'deploy.sh'), [what], { cwd: app, maxBuffer: 1 << 26, env: { ...process.env, AWS_ENDPOINT_URL: dodam.info.aws_endpoint, AWS_CLI: '/usr/bin/aws', DODAM: peers.dodamBinary, DODAM_STATE: dodam.state, IMAGE_TAG: tag,
    AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' } });
  return seconds(begun);
};

const copyApp = (home) => {
  const app = path.join(home, 'app');
  cpSync(path.join(checkout, 'fixtures/app'), app, { recursive: true });
  return app;
};

const sampleApp = async (home, quick, { row, median }) => {
  const app = copyApp(home);
  const dodam = await up(home, 'app-state', '-f', path.join(app, 'dodam.json'), '--speed', '20');
  try {
    await deployApp(dodam, app, 'first', 'all');
    appendFileSync(path.join(app, 'backend/src/server.js'), '// changed\n');
    const backend = await deployApp(dodam, app, 'second', 'backend');
    const all = await deployApp(dodam, app, 'third', 'all');
    const rollouts = [];
    for (let turn = 0; turn < (quick ? 2 : 7); ++turn) rollouts.push(await redeploy(dodam, 'dodam-cluster', 'dodam-backend', 60));
    row('the sample app, 2 tasks, speed 20: `UpdateService` to `COMPLETED`', `**${show(median(rollouts))}**`, `${show(Math.min(...rollouts))} – ${show(Math.max(...rollouts))}`);
    row('`deploy.sh backend` without an engine, one source file changed: build, push, roll out', `**${show(backend)}**`, '');
    row('`deploy.sh all`, the same and the site built, uploaded, invalidated', show(all), '');
  } finally { await dodam.down(); }
};

// The same image, saved by the engine; null where none answers or has the base.
const engineSaves = (home, context, turns) => {
  const image = `dodam-bench-large:${process.pid}`;
  const docker = (...words) => execFileSync('docker', words, { stdio: ['ignore', 'ignore', 'ignore'] });
  try { docker('info'); docker('build', '-t', image, context); } catch { return null; }
  try {
    return Array.from({ length: turns }, () => {
      const begun = performance.now();
      docker('save', '-o', path.join(home, 'saved.tar'), image);
      return seconds(begun);
    });
  } finally { docker('rmi', image); rmSync(path.join(home, 'saved.tar'), { force: true }); }
};

const pushes = async (home, quick, { row, median }) => {
  const size = 200 << 20;
  const context = path.join(home, 'large');
  mkdirSync(context);
  execFileSync('/bin/sh', ['-c', `head -c ${size} /dev/urandom >${context}/large`]);
  writeFileSync(path.join(context, 'Dockerfile'), 'FROM debian:bookworm-slim\nCOPY large /large\n');
  const times = { push: [], copy: [], sum: [] };
  for (let turn = 0; turn < (quick ? 1 : 3); ++turn) {
    const dodam = await up(home, `push-${turn}`, '--speed', '20');
    try {
      await dodam.call('ecr', 'CreateRepository', { repositoryName: 'large' });
      const image = `${dodam.info.aws_endpoint.slice('http://'.length)}/large:1`;
      await run(peers.dodamBinary, ['image', 'build', '-t', image, context], { maxBuffer: 1 << 26 });
      let begun = performance.now();
      await run(peers.dodamBinary, ['image', 'push', '--state', dodam.state, image], { maxBuffer: 1 << 26 });
      times.push.push(seconds(begun));
      begun = performance.now();
      execFileSync('cp', [path.join(context, 'large'), path.join(home, 'copy')]);
      times.copy.push(seconds(begun));
      begun = performance.now();
      execFileSync('sha256sum', [path.join(context, 'large')]);
      times.sum.push(seconds(begun));
    } finally { await dodam.down(); }
  }
  row('push of an image with a 200 MiB layer to the registry', `**${show(median(times.push))}**`, '');
  const saves = engineSaves(home, context, quick ? 1 : 3);
  row('beside it: `docker save` of the same image', saves ? show(median(saves)) : 'no engine', '');
  row('`cp` of the same 200 MiB', show(median(times.copy)), '');
  row('and `sha256sum` of it', show(median(times.sum)), '');
};

const manyServices = async (home, quick, { row }) => {
  const count = 200, watched = quick ? 3 : 10;
  const dodam = await up(home, 'many', '--speed', '20');
  try {
    await dodam.call('ecs', 'CreateCluster', { clusterName: 'many' });
    const network = { awsvpcConfiguration: { subnets: ['subnet-1', 'subnet-2', 'subnet-3'] } };
    for (let i = 0; i < count; ++i)
      await dodam.call('ecs', 'CreateService', { cluster: 'many', serviceName: `s${i}`, desiredCount: 1, launchType: 'FARGATE', networkConfiguration: network });
    const names = Array.from({ length: count }, (_, i) => `s${i}`);
    await peers.until('every service is steady', 100, async () => {
      for (let i = 0; i < count; i += 10) {
        const { services } = await dodam.call('ecs', 'DescribeServices', { cluster: 'many', services: names.slice(i, i + 10) });
        if (!services.every((one) => one.runningCount === 1 && one.deployments[0].rolloutState === 'COMPLETED')) return false;
      }
      return true;
    });
    await peers.wait(2000);
    // Clock ticks (10 ms) of the reconciler's own thread.
    const ticks = () => {
      for (const thread of execFileSync('ls', [`/proc/${dodam.info.pid}/task`], { encoding: 'utf8' }).trim().split('\n')) {
        const stat = readFileSync(`/proc/${dodam.info.pid}/task/${thread}/stat`, 'utf8');
        if (/\((.*)\)/.exec(stat)[1] === 'ecs') { const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); return Number(fields[11]) + Number(fields[12]); }
      }
      throw new Error('no thread "ecs"');
    };
    const before = ticks();
    await peers.wait(watched * 1000);
    const cpu = (ticks() - before) * 10;
    row(`reconciler, ${count} services with a task each, nothing moving: processor time per round (5 rounds a second)`, `**${(cpu / (watched * 5)).toFixed(1)} ms**`, `${(cpu / (watched * 10)).toFixed(1)} % of a core`);
    row(`memory of the emulator with them`, `${peers.residentOf(dodam.info.pid).toFixed(1)} MiB`, '');
  } finally { await dodam.down(); }
};

export const deploys = async (work, quick, tell) => {
  const home = path.join(work, 'deploys');
  mkdirSync(home);
  tell.say('## Deploys');
  tell.say();
  tell.say('Process runtime. Medians, with the range where there are several.');
  tell.say();
  tell.table('', 'time', '');
  await sampleApp(home, quick, tell);
  await pushes(home, quick, tell);
  await manyServices(home, quick, tell);
  tell.say();
};

// About six minutes: only when it is asked for by name.
export const patience = async (work, tell) => {
  const home = path.join(work, 'patience');
  mkdirSync(home);
  const app = copyApp(home), file = path.join(app, 'dodam.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"HealthCheckIntervalSeconds": 10', '"HealthCheckIntervalSeconds": 30').replace('"HealthyThresholdCount": 2', '"HealthyThresholdCount": 5')
    .replace('"deregistration_delay.timeout_seconds", "Value": "30"', '"deregistration_delay.timeout_seconds", "Value": "300"'));
  const dodam = await up(home, 'state', '-f', file, '--speed', '1');
  try {
    await peers.until('the stack is steady', 400, async () => (await dodam.call('ecs', 'DescribeServices', { cluster: 'dodam-cluster', services: ['dodam-backend'] })).services[0].deployments[0].rolloutState === 'COMPLETED');
    const took = await redeploy(dodam, 'dodam-cluster', 'dodam-backend', 600);
    tell.say(`At speed 1 with the load balancer's default settings (health checks every 30 s, 300 s of draining) the same deploy of 2 tasks takes ${took.toFixed(0)} s from \`UpdateService\` to \`COMPLETED\`.`);
    tell.say();
  } finally { await dodam.down(); }
};
