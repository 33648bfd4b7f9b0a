// The public HTTP cache tests (npm http-cache-tests) against a distribution.
//   server HOME PORT-FILE                  their origin, on a free port of loopback
//   client HOME VIEWER HOST COOKIES TABLE  runs them; every required test passes or stands in the table, with CloudFront's rule;
//                                          COOKIES is the host of a distribution that forwards cookies
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'

const [mode, home, ...rest] = process.argv.slice(2)

async function serve (portFile) {
  // Their server listens wherever it can.
  const listen = http.Server.prototype.listen
  http.Server.prototype.listen = function () {
    return listen.call(this, 0, '127.0.0.1', () => fs.writeFileSync(portFile, String(this.address().port)))
  }
  await import(`${home}/server/server.mjs`)
}

// "| id | rule | source |" → id: rule
function readTable (file) {
  const rows = new Map()
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const cells = line.split('|').map(cell => cell.trim())
    if (cells.length !== 5 || cells[1] === 'test' || /^-*$/.test(cells[1])) continue
    for (const id of cells[1].split(/,\s*/)) rows.set(id.replaceAll('`', ''), cells[2])
  }
  return rows
}

// What is about a cookie that an answer sets needs cookies to be forwarded, and then nothing is revalidated: only these go there.
const withCookies = ['headers-store-Set-Cookie']

async function run (viewer, host, cookies, table) {
  const { runTests, getResults } = await import(`${home}/client/runner.mjs`)
  const suites = (await import(`${home}/tests/index.mjs`)).default
  suites.push((await import(`${home}/tests/surrogate-control.mjs`)).default)
  const fetch = createRequire(`${home}/`)('node-fetch')
  const { testUUIDs } = await import(`${home}/client/test.mjs`)
  const hostOf = url => withCookies.some(id => testUUIDs[id] && url.includes(testUUIDs[id])) ? cookies : host
  await runTests(suites, (url, init = {}) => fetch(url, { ...init, headers: [...(init.headers || []), ['Host', hostOf(url)]] }), false, viewer)

  const results = getResults()
  const excused = readTable(table)
  const wrong = []
  const figures = {}
  for (const test of suites.flatMap(suite => suite.tests)) {
    const result = results[test.id]
    if (result === undefined) continue
    const kind = test.kind || 'required'
    figures[kind] ??= { passed: 0, of: 0 }
    figures[kind].of++
    if (result === true) figures[kind].passed++
    if (kind !== 'required') continue
    if (result !== true && !excused.has(test.id)) wrong.push(`${test.id} fails: ${test.name}: ${result[1]}`)
    if (result === true && excused.has(test.id)) wrong.push(`${test.id} passes, and stands in the table`)
    excused.delete(test.id)
  }
  for (const id of excused.keys()) wrong.push(`${id} stands in the table, and is no required test`)
  for (const [kind, { passed, of }] of Object.entries(figures)) console.log(`${kind}: ${passed} of ${of}`)
  for (const line of wrong) console.log(line)
  process.exitCode = wrong.length > 0 ? 1 : 0
}

if (mode === 'server') await serve(...rest)
else await run(...rest)
