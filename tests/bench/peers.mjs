// What is measured: each peer configured as its manual advises for the processors it has, its logs off,
// behind it the same origin. A process is { name, port, pid(s) } and ends with stop().
import { spawn, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync, readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const checkout = path.resolve(import.meta.dirname, '../..');
const binary = (name) => path.join(checkout, 'build/release', name);
export const dodamBinary = process.env.DODAM_BINARY ?? binary('dodam');
const toolBinary = (name) => process.env.BENCH_TOOLS ? path.join(process.env.BENCH_TOOLS, name) : binary(name);
export const clientBinary = toolBinary('bench_client');

// Whoever is measured has the first processor to itself, the load and the origin have the others: side by
// side on the same ones, what the load costs would stand in every rate, and who waits for whose time slice
// would decide the rest.
const placed = (where, command, ...args) => os.cpus().length < 2 ? [command, args] :
  ['taskset', ['-c', where === 'measured' ? '0' : `1-${os.cpus().length - 1}`, command, ...args]];
export const atLoad = (command, ...args) => placed('load', command, ...args);

const running = new Set();
export const stopAll = async () => { for (const one of [...running].reverse()) await one.stop(); };

export const freePort = () => new Promise((resolve, reject) => {
  const server = net.createServer().on('error', reject);
  server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// One request on a connection of its own: { status, body }, or null while nobody answers.
export const ask = (port, target, host = 'localhost') => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  socket.setTimeout(20000, () => socket.destroy());
  socket.on('connect', () => socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
  socket.on('data', (bytes) => { text += bytes.toString('latin1'); });
  socket.on('error', () => resolve(null));
  socket.on('close', () => {
    const head = text.indexOf('\r\n\r\n');
    resolve(head < 0 ? null : { status: Number(text.slice(9, 12)), head: text.slice(0, head), body: text.slice(head + 4) });
  });
});

export const until = async (what, seconds, attempt) => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await attempt()) return;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await wait(20);
  }
};

const start = async (name, command, args, port, options = {}) => {
  const child = spawn(...placed(options.where ?? 'measured', command, ...args), { stdio: ['pipe', 'pipe', 'pipe'], cwd: options.cwd });
  let said = '';
  child.stdout.on('data', (bytes) => { said += bytes; });
  child.stderr.on('data', (bytes) => { said += bytes; });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const one = { name, port, pid: child.pid, said: () => said };
  one.stop = async () => {
    running.delete(one);
    child.stdin.end();
    child.kill('SIGTERM');
    await Promise.race([ended, wait(10000).then(() => child.kill('SIGKILL'))]);
    await ended;
  };
  running.add(one);
  await until(`${name} answers (${said})`, 30, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`);
    return options.ready ? options.ready(said) : (await ask(port, options.path ?? '/')) !== null;
  });
  return one;
};

export const startOrigin = async () => {
  const one = await start('origin', toolBinary('bench_origin'), ['0'], 0, { where: 'load', ready: (said) => /^\d+\n/.test(said) });
  one.port = Number(one.said());
  one.count = async () => Number((await ask(one.port, '/count')).body);
  return one;
};

export const startNginxCache = async (work, origin) => {
  const port = await freePort();
  const home = path.join(work, `nginx-cache-${port}`);
  mkdirSync(home);
  writeFileSync(path.join(home, 'nginx.conf'), `
daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log crit; user root;
events { worker_connections 8192; }
http {
  access_log off; sendfile on; output_buffers 2 128k; keepalive_requests 100000000; keepalive_timeout 3600s;
  client_body_temp_path ${home}/a; proxy_temp_path ${home}/b; fastcgi_temp_path ${home}/c; uwsgi_temp_path ${home}/d; scgi_temp_path ${home}/e;
  open_file_cache max=8000 inactive=600s; open_file_cache_valid 600s;
  proxy_cache_path ${home}/cache levels=1:2 keys_zone=edge:64m max_size=64m inactive=1d use_temp_path=off;
  upstream origin { server 127.0.0.1:${origin.port}; keepalive 256; }
  server {
    listen 127.0.0.1:${port} backlog=4096 reuseport;
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache edge; proxy_cache_key $request_uri; proxy_cache_lock on; proxy_cache_lock_timeout 60s; add_header X-Cache $upstream_cache_status; }
  }
}`);
  return start('nginx', 'nginx', ['-c', path.join(home, 'nginx.conf'), '-e', path.join(home, 'error.log')], port);
};

export const startNginxProxy = async (work, origin) => {
  const port = await freePort();
  const home = path.join(work, `nginx-proxy-${port}`);
  mkdirSync(home);
  writeFileSync(path.join(home, 'nginx.conf'), `
daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log crit; user root;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 3600s;
  client_body_temp_path ${home}/a; proxy_temp_path ${home}/b; fastcgi_temp_path ${home}/c; uwsgi_temp_path ${home}/d; scgi_temp_path ${home}/e;
  upstream origin { server 127.0.0.1:${origin.port}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096 reuseport;
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto http; proxy_set_header Host $host; }
  }
}`);
  return start('nginx', 'nginx', ['-c', path.join(home, 'nginx.conf'), '-e', path.join(home, 'error.log')], port);
};

export const startVarnish = async (work, origin) => {
  const port = await freePort();
  const home = path.join(work, `varnish-${port}`);
  mkdirSync(home, { mode: 0o755 });
  writeFileSync(path.join(home, 'default.vcl'), `vcl 4.1; backend origin { .host = "127.0.0.1"; .port = "${origin.port}"; }\n`);
  return start('Varnish', 'varnishd', ['-F', '-a', `127.0.0.1:${port}`, '-f', path.join(home, 'default.vcl'), '-n', path.join(home, 'run'),
    '-s', 'malloc,64m', '-j', 'none', '-p', 'thread_pool_min=200', '-p', 'thread_pool_max=2000', '-T', 'none'], port);
};

export const startHaproxy = async (work, origin) => {
  const port = await freePort();
  const home = path.join(work, `haproxy-${port}`);
  mkdirSync(home);
  writeFileSync(path.join(home, 'haproxy.cfg'), `
global
  maxconn 8192
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  option forwardfor
  http-reuse always
frontend viewers
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server one 127.0.0.1:${origin.port}
`);
  return start('HAProxy', 'haproxy', ['-db', '-f', path.join(home, 'haproxy.cfg')], port);
};

const distribution = (name, domain, originPort) => ({
  domain,
  config: {
    CallerReference: name, Comment: name, Enabled: true, DefaultRootObject: '', Aliases: { Quantity: 0 },
    Origins: { Quantity: 1, Items: [{ Id: 'origin', DomainName: '127.0.0.1', OriginPath: '', CustomHeaders: { Quantity: 0 },
      CustomOriginConfig: { HTTPPort: originPort, HTTPSPort: 443, OriginProtocolPolicy: 'http-only',
        OriginSslProtocols: { Quantity: 1, Items: ['TLSv1.2'] }, OriginReadTimeout: 30, OriginKeepaliveTimeout: 5 },
      ConnectionAttempts: 3, ConnectionTimeout: 10 }] },
    OriginGroups: { Quantity: 0 },
    DefaultCacheBehavior: { TargetOriginId: 'origin', ViewerProtocolPolicy: 'allow-all',
      AllowedMethods: { Quantity: 2, Items: ['GET', 'HEAD'], CachedMethods: { Quantity: 2, Items: ['GET', 'HEAD'] } },
      Compress: true, CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6' },
    CacheBehaviors: { Quantity: 0 }, CustomErrorResponses: { Quantity: 0 }, PriceClass: 'PriceClass_All',
    ViewerCertificate: { CloudFrontDefaultCertificate: true },
    Restrictions: { GeoRestriction: { RestrictionType: 'none', Quantity: 0 } }, WebACLId: '', HttpVersion: 'http2', IsIPV6Enabled: true,
  },
});

export const edgeHost = 'd111111bench1.cloudfront.net';

// dodam with one distribution, `more` others, and a load balancer before the same origin.
export const startDodam = async (work, origin, { more = 0 } = {}) => {
  const [aws, viewer, tls] = [await freePort(), await freePort(), await freePort()];
  const home = path.join(work, `dodam-${viewer}`);
  mkdirSync(home);
  const distributions = { bench: distribution('bench', edgeHost, origin.port) };
  for (let i = 0; i < more; ++i)
    distributions[`other${i}`] = distribution(`other${i}`, `d${String(100000 + i)}other0.cloudfront.net`, origin.port);
  writeFileSync(path.join(home, 'dodam.json'), JSON.stringify({
    version: 1, account: '123456789012', region: 'us-east-1', distributions,
    loadBalancers: { alb: { config: { Name: 'bench', Subnets: ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'] },
      listeners: [{ config: { Protocol: 'HTTP', Port: 80, DefaultActions: [{ Type: 'forward', TargetGroupArn: '${targetGroups.origin.arn}' }] } }] } },
    targetGroups: { origin: { config: { Name: 'origin', TargetType: 'ip', Protocol: 'HTTP', Port: origin.port, VpcId: 'vpc-0a1b2c3d4e5f60001', HealthCheckPath: '/health' } } },
  }));
  const one = await start('dodam', dodamBinary, ['up', '-f', path.join(home, 'dodam.json'), '--state', path.join(home, 'state'), '--runtime', 'process',
    '--aws-port', aws, '--http-port', viewer, '--https-port', tls].map(String), viewer);
  one.aws = (...words) => JSON.parse(execFileSync('/usr/bin/aws', ['--endpoint-url', `http://127.0.0.1:${aws}`, ...words], {
    encoding: 'utf8', maxBuffer: 64 << 20, env: { ...process.env, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_DEFAULT_REGION: 'us-east-1', AWS_PAGER: '' } }) || 'null');
  one.status = () => JSON.parse(execFileSync(dodamBinary, ['status', '--state', path.join(home, 'state'), '--json'], { encoding: 'utf8', maxBuffer: 64 << 20 }));
  await until('the distribution answers', 60, async () => (await ask(viewer, '/b/1024/warm', edgeHost))?.status === 200);
  return one;
};

// Its load balancer, serving: the port of its own listener.
export const openBalancer = async (dodam, origin) => {
  const group = dodam.aws('elbv2', 'describe-target-groups', '--names', 'origin').TargetGroups[0].TargetGroupArn;
  dodam.aws('elbv2', 'register-targets', '--target-group-arn', group, '--targets', `Id=127.0.0.1,Port=${origin.port}`);
  const balancer = Object.values(dodam.status().load_balancers)[0];
  return balancer;
};

// A process and its children.
const familyOf = (pid) => {
  const parents = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try { parents.set(Number(entry), Number(statOf(entry)[1])); } catch { /* it ended */ }
  }
  const family = [pid];
  for (let i = 0; i < family.length; ++i) for (const [child, parent] of parents) if (parent === family[i]) family.push(child);
  return family;
};
// proc(5): the fields of stat from the third on.
const statOf = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
const clockTicks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export const processorSeconds = (pid) => familyOf(pid).reduce((sum, member) => {
  const stat = statOf(member);
  return sum + (Number(stat[11]) + Number(stat[12])) / clockTicks;
}, 0);
// In MiB.
export const residentMiB = (pid) => familyOf(pid).reduce((sum, member) => sum + residentOf(member), 0);
export const residentOf = (pid) => {
  try { return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024; } catch { return 0; }
};
