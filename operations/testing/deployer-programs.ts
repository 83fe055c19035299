/**
 * What the deployer's contract runs: one Node program whose variables say how it behaves. It answers over HTTP with its
 * VERSION, asks other services by name, holds a connection open to one, and counts its starts in a volume. It prints, breaks
 * (`/break` makes its health 500) and exits when it is asked to.
 */
export const serviceProgram = `
const http = require('node:http'), net = require('node:net'), fs = require('node:fs');
const { PORT, HOST, VERSION = 'v1', READY_AFTER = '0', STARTED_AFTER = '0', STOP_AFTER = '0', EXIT, DATA, TCP } = process.env;
let { HEALTH = '200' } = process.env;
const begun = Date.now();
const say = (text) => console.log(text);
say('starting ' + VERSION);
if (EXIT) { console.error('cannot go on'); process.exit(Number(EXIT)); }
if (DATA) { fs.appendFileSync(DATA + '/starts', VERSION + '\\n'); }
let held = null;
const hold = (host, port) => new Promise((resolve) => {
  held = { open: true, answers: 0, worst: 0, last: 0 };
  const socket = net.connect(port, host, () => {
    setInterval(() => { if (!held.last) { held.last = Date.now(); socket.write('x'); } }, 20);
    resolve();
  });
  socket.on('data', () => { held.answers++; held.worst = Math.max(held.worst, Date.now() - held.last); held.last = 0; });
  socket.on('error', (error) => { held.error = error.code; resolve(); });
  socket.on('close', () => { held.open = false; });
});
const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://x');
  if (url.pathname === '/health') { response.statusCode = Number(HEALTH); return response.end('health'); }
  if (url.pathname === '/started') { response.statusCode = Date.now() - begun > Number(STARTED_AFTER) ? 200 : 503; say('asked for started'); return response.end(); }
  if (url.pathname === '/hang') return;
  if (url.pathname === '/break') { HEALTH = '500'; return response.end('broken'); }
  if (url.pathname === '/exit') { response.end('bye'); return setTimeout(() => process.exit(9), 50); }
  if (url.pathname === '/print') { console[url.searchParams.get('on') || 'log'](url.searchParams.get('text').repeat(Number(url.searchParams.get('times') || 1))); return response.end('printed'); }
  if (url.pathname === '/starts') return response.end(fs.readFileSync(DATA + '/starts'));
  if (url.pathname === '/hold') { await hold(url.searchParams.get('host'), 7000); return response.end('holding'); }
  if (url.pathname === '/held') return response.end(JSON.stringify(held));
  if (url.pathname === '/ask') {
    return http.get({ host: url.searchParams.get('host'), port: url.searchParams.get('port'), path: '/', agent: false }, (answer) => answer.pipe(response))
      .on('error', (error) => { response.statusCode = 502; response.end(error.code); });
  }
  response.end(VERSION);
});
if (TCP) net.createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(7000);
setTimeout(() => server.listen(PORT, HOST, () => say('ready ' + Date.now())), Number(READY_AFTER));
process.on('SIGTERM', () => { say('stopping'); setTimeout(() => { say('stopped'); process.exit(0); }, Number(STOP_AFTER)); });
`;
