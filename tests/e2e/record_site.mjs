// A site with what visits are made of: a page with a form and its token against forgery, a login that sets a cookie, a
// redirect to what was made, JSON, an upload. Started by record.sh; prints its port.
import crypto from 'node:crypto';
import http from 'node:http';

const sessions = new Map(), tokens = new Set(), orders = new Map();
let last = 100 + Math.floor(Math.random() * 1e6);
const random = () => crypto.randomBytes(12).toString('hex');

const routes = {
  'GET /': () => page('<a href="/login">Log in</a>'),
  'GET /login': () => {
    const token = random();
    tokens.add(token);
    return page(`<form method="post" action="/login"><input type="hidden" name="csrf_token" value="${token}">
      <input name="user"><input type="password" name="password"><button>Go</button></form>`);
  },
  'POST /login': ({ form }) => {
    if (!tokens.delete(form.get('csrf_token'))) return { status: 403, body: 'forged' };
    if (form.get('password') !== 'Open-sesame-88') return { status: 401, body: 'no' };
    const sid = random();
    sessions.set(sid, form.get('user'));
    return { status: 303, headers: { location: '/account', 'set-cookie': `sid=${sid}; Path=/; HttpOnly` } };
  },
  'GET /account': ({ user }) => user ? page(`<h1>Hello ${user}</h1><form method="post" action="/orders">
    <input name="what"><select name="size"><option>1</option></select><button>Order</button></form>`) : { status: 401, body: 'who?' },
  'POST /orders': ({ user, form }) => {
    if (!user) return { status: 401, body: 'who?' };
    orders.set(++last, form.get('what'));
    return { status: 303, headers: { location: `/orders/number-${last}` } };
  },
  'POST /notes': ({ user, body }) => user && body.text ? json({ id: ++last, text: body.text }, 201) : { status: 401, body: 'who?' },
  'POST /upload': ({ bytes }) => json({ size: bytes.length, sum: crypto.createHash('md5').update(bytes).digest('hex') }),
  'GET /counter': () => json({ count: ++last }),
};
const page = (html) => ({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: `<!doctype html><link rel="icon" href="data:,">${html}` });
const json = (value, status = 200) => ({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });

const server = http.createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const bytes = Buffer.concat(pieces), text = bytes.toString();
  const user = sessions.get(/sid=(\w+)/.exec(request.headers.cookie ?? '')?.[1]);
  const type = request.headers['content-type'] ?? '', path = request.url.split('?')[0];
  const order = /^GET \/orders\/number-(\d+)$/.exec(`${request.method} ${path}`);
  const note = /^GET \/notes\/(\d+)$/.exec(`${request.method} ${path}`);
  const answer = order ? (orders.has(+order[1]) && user ? page('ordered') : { status: 404, body: 'no order' })
    : note ? (+note[1] <= last && +note[1] > last - 50 ? json({ id: +note[1] }) : { status: 404, body: 'no note' })
    : (routes[`${request.method} ${path}`] ?? (() => ({ status: 404, body: 'nothing' })))({
      user, bytes, form: new URLSearchParams(text), body: type.includes('json') ? JSON.parse(text) : {} });
  response.writeHead(answer.status, { 'cache-control': 'no-store', ...answer.headers });
  response.end(answer.body ?? '');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
