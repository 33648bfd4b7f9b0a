// Drives the page as its reader would. Started by console.sh, which says where everything answers.
// SHOTS=DIR keeps pictures of each state.
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import http from 'node:http';
import { chromium } from 'playwright-core';

const { CONSOLE, EMPTY, VIEWER, TOKEN, SHOTS, PROFILE, DODAM_STOP } = process.env;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const PATIENCE_MS = 10_000;
const SITE = 'd111111front01.cloudfront.net', API = 'd222222api0001.cloudfront.net';

// fetch() may not set Host.
const viewer = (host, path) => new Promise((resolve, reject) => {
  http.get(VIEWER + path, { headers: { host }, agent: false }, (answer) => { answer.resume(); answer.on('end', () => resolve(answer)); }).on('error', reject);
});

const context = await chromium.launchPersistentContext(PROFILE, { executablePath: '/usr/bin/chromium', args: FLAGS, viewport: { width: 1280, height: 900 } });
context.setDefaultTimeout(PATIENCE_MS);
const page = await context.newPage();
const troubles = [], asked = [];
page.on('pageerror', (error) => troubles.push(error.message));
page.on('request', (request) => asked.push(request.url()));

let step = 0;
async function shot(name) {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${String(++step).padStart(2, '0')}-${name}.png`, fullPage: true });
}
async function says(locator, text) {
  await locator.filter({ hasText: text }).first().waitFor();
}
async function fits(width) {
  await page.setViewportSize({ width, height: 844 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `at ${width} px the page is ${over} px too wide`);
}

try {
  // An empty stack says what to do next.
  await page.goto(`${EMPTY}/_dodam/`);
  const stack = page.getByRole('region', { name: 'Stack' });
  await says(stack, 'The stack is empty');
  await says(stack, 'dodam up -f dodam.json');
  await shot('empty');

  // The sample stack: each part with its health.
  await page.goto(`${CONSOLE}/_dodam/`);
  for (const name of ['front', 'api', 'frontend', 'alb', 'backend', 'MariaDB', 'Redis']) await says(stack.locator('.part'), name);
  await says(page.getByRole('status'), 'All parts healthy');
  assert.equal(await stack.getByRole('img', { name: 'down' }).count(), 0);
  await says(stack.locator('.part', { hasText: 'Targets' }), '2 of 2 healthy');
  await says(page.getByRole('region', { name: 'Deployed' }), '2 of 2 running');
  const requests = page.getByRole('region', { name: 'Requests' });
  await says(requests, 'No request yet');
  await shot('no-request');

  // A request appears by itself, and its trace says why it was answered so.
  await viewer(SITE, '/?first');
  const row = requests.getByRole('button', { name: '/?first' });
  await row.waitFor();
  await says(row, 'CloudFront → S3');
  await says(row, 'miss');
  await row.click();
  const trace = page.getByRole('region', { name: 'Trace' });
  await says(trace, 'nothing is held under this key');
  for (const [key, text] of [['behavior', 'default behavior'], ['key', 'path = /index.html'], ['cache', 'miss'], ['stored', 'DefaultTTL 86400 s'],
    ['dropped', 'header Host: replaced by dodam-site-123456789012.s3'], ['allowed', 'AllowCloudFrontServicePrincipal']])
    await says(trace.locator('.decisions > div', { has: page.locator('dt', { hasText: new RegExp(`^${key}$`) }) }), text);
  assert.equal(await trace.locator('.waterfall li').count(), 2);
  assert.match(page.url(), /#.{20,}/);
  await shot('trace-miss');

  // The same again is a hit, and the reason stands there too.
  const answer = await viewer(SITE, '/');
  assert.equal(answer.headers['x-cache'], 'Hit from cloudfront');
  const hit = requests.locator('li', { hasText: 'hit' }).first();
  await hit.getByRole('button').click();
  await says(trace.locator('.summary'), 'hit: ');
  await viewer(API, '/health');
  await requests.getByRole('button', { name: '/health' }).click();
  await says(trace, 'round robin over 2 healthy of 2');
  await shot('trace-api');

  // A trace has an address of its own.
  await page.reload();
  await says(trace, 'round robin over 2 healthy of 2');
  await page.keyboard.press('Escape');
  await says(trace, 'Choose a request');

  // API calls are there for who asks; a filter narrows.
  await requests.getByRole('button', { name: 'All', exact: true }).click();
  await requests.getByLabel('Filter').fill('put');
  await says(requests.locator('li'), '/dodam-site-123456789012/index.html');
  await requests.getByLabel('Filter').fill('no such thing');
  await says(requests, 'Nothing matches the filter');
  await requests.getByRole('button', { name: 'Clear the filter' }).click();

  // Small and dark.
  await requests.getByRole('button', { name: '/?first' }).click();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 390]) {
      await fits(width);
      await shot(`${colorScheme}-${width}`);
    }
  }

  // The page reads only: it holds no token, and talks to nobody else.
  assert.ok(!(await page.content()).includes(TOKEN), 'the page holds the token');
  assert.deepEqual(asked.filter((url) => !url.startsWith(`${CONSOLE}/_dodam/`) && !url.startsWith(`${EMPTY}/_dodam/`) && !url.startsWith('data:')), []);
  assert.deepEqual(asked.filter((url) => url.includes(TOKEN)), []);

  // What is broken on purpose is said so.
  const broken = await fetch(`${CONSOLE}/_dodam/v1/faults`, { method: 'POST', headers: { 'x-dodam-token': TOKEN }, body: '{"target":"db","kind":"down"}' });
  assert.equal(broken.status, 200);
  await says(page.getByRole('status'), 'Broken on purpose');
  await says(page.locator('.notice'), 'db down');

  // The emulator goes away: the page says so, and what to do.
  await page.setViewportSize({ width: 1280, height: 900 });
  execSync(DODAM_STOP);
  const alert = page.getByRole('alert');
  await says(alert, 'The emulator does not answer');
  await says(alert, 'dodam up');
  await shot('gone');

  assert.deepEqual(troubles, []);
  console.log('console: as expected');
} catch (error) {
  console.log(`console: ${error.stack}\n${await page.locator('body').innerText().catch(() => '')}`);
  process.exitCode = 1;
} finally {
  await context.close();
}
