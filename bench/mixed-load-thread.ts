import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

// Clients of every kind against one service, and what each of them saw that it should not have.
const { url, perSecond, streams, sockets } = workerData as {
  url: string;
  perSecond: number;
  streams: number;
  sockets: number;
};
const kept = new Agent({ keepAlive: true, maxSockets: 96 });
const kinds = ['kept', 'fresh', 'slow', 'stream', 'socket'] as const;
type Kind = (typeof kinds)[number];
const counts = Object.fromEntries(kinds.map((kind) => [kind, { requests: 0, failed: 0 }])) as Record<
  Kind,
  { requests: number; failed: number }
>;
const errors: string[] = [];
const streamMs = 4_000;
let open = 0;
let stopping = false;

/** Counts one exchange of a kind; what is given back ends it, with a reason when it failed. */
function begin(kind: Kind): (reason?: string) => void {
  counts[kind].requests += 1;
  open += 1;
  let ended = false;
  return (reason) => {
    if (ended) return;
    ended = true;
    open -= 1;
    if (reason !== undefined) {
      counts[kind].failed += 1;
      if (errors.length < 10) errors.push(`${new Date().toISOString()} ${kind}: ${reason}`);
    }
    if (stopping && open === 0) finish();
  };
}

function ask(kind: Kind, path: string, agent: Agent | false, onAnswer: (body: string) => string | undefined): void {
  const end = begin(kind);
  const headers = agent ? {} : { connection: 'close' };
  const sent: ClientRequest = request(`${url}${path}`, { agent, headers, timeout: 15_000 }, (answer) => {
    let body = '';
    answer.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    answer.on('error', (error) => end(error.message));
    answer.on('close', () => end(answer.complete ? undefined : 'cut off'));
    answer.on('end', () => end(answer.statusCode === 200 ? onAnswer(body) : `status ${answer.statusCode}`));
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer in 15 s')));
  sent.on('error', (error) => end(error.message));
  sent.end();
}

/** One stream after another: each has to come to its own end. */
function streaming(): void {
  if (stopping) return;
  ask('stream', `/stream?ms=${streamMs}`, false, (body) => (body.endsWith('end\n') ? undefined : 'ended early'));
  setTimeout(streaming, streamMs + 200);
}

/** An upgraded connection that is spoken on for a while, then closed by us. */
function talking(): void {
  if (stopping) return;
  const end = begin('socket');
  const headers = { connection: 'Upgrade', upgrade: 'echo' };
  const sent = request(`${url}/socket`, { agent: false, headers });
  sent.on('response', (answer: IncomingMessage) => {
    answer.resume();
    end(`not upgraded: ${answer.statusCode}`);
    setTimeout(talking, 200);
  });
  sent.on('error', (error) => {
    end(error.message);
    setTimeout(talking, 200);
  });
  sent.on('upgrade', (_answer, socket: Socket) => {
    let answered = 0;
    let said = 0;
    const ticker = setInterval(() => {
      if (said > answered + 5) return over('no echo');
      said += 1;
      socket.write('.');
      if (said * 100 > streamMs) over();
    }, 100);
    const over = (reason?: string) => {
      clearInterval(ticker);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      end(reason);
      setTimeout(talking, 200);
    };
    socket.on('data', (bytes) => {
      answered += bytes.length;
    });
    socket.on('close', () => over('closed by the other side'));
    socket.on('error', (error) => over(error.message));
  });
  sent.end();
}

const tickMs = 20;
let owed = 0;
let turn = 0;
let last = performance.now();
const ticker = setInterval(() => {
  const at = performance.now();
  owed = Math.min(owed + ((at - last) * perSecond) / 1000, perSecond);
  last = at;
  for (; owed >= 1; owed -= 1) {
    turn = (turn + 1) % 20;
    if (turn < 15) ask('kept', '/', kept, () => undefined);
    else if (turn < 19) ask('fresh', '/', false, () => undefined);
    else ask('slow', '/slow', kept, () => undefined);
  }
}, tickMs);
for (let index = 0; index < streams; index++) setTimeout(streaming, (index * streamMs) / streams);
for (let index = 0; index < sockets; index++) setTimeout(talking, (index * streamMs) / sockets);

function finish(): void {
  kept.destroy();
  parentPort?.postMessage({ counts, errors });
  parentPort?.close();
}

parentPort?.on('message', () => {
  stopping = true;
  clearInterval(ticker);
  if (open === 0) finish();
});
