import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

// Asks one URL at a steady rate over kept-alive connections, and counts what was not answered with 2xx.
const { url, perSecond } = workerData as { url: string; perSecond: number };
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const counts = { requests: 0, failed: 0, errors: [] as string[] };
let open = 0;
let stopping = false;

function fail(reason: string): void {
  counts.failed += 1;
  if (counts.errors.length < 10) counts.errors.push(`${new Date().toISOString()} ${reason}`);
}

function ask(): void {
  counts.requests += 1;
  open += 1;
  let ended = false;
  const end = (reason?: string) => {
    if (ended) return;
    ended = true;
    open -= 1;
    if (reason) fail(reason);
    if (stopping && open === 0) finish();
  };
  const sent = request(url, { agent, timeout: 10_000 }, (answer) => {
    answer.resume();
    answer.on('error', (error) => end(error.message));
    answer.on('end', () => end(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`));
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer in 10 s')));
  sent.on('error', (error) => end(error.message));
  sent.end();
}

const tickMs = 20;
let owed = 0;
let last = performance.now();
const ticker = setInterval(() => {
  const at = performance.now();
  owed = Math.min(owed + ((at - last) * perSecond) / 1000, perSecond);
  last = at;
  for (; owed >= 1; owed -= 1) ask();
}, tickMs);

function finish(): void {
  agent.destroy();
  parentPort?.postMessage(counts);
  parentPort?.close();
}

parentPort?.on('message', () => {
  stopping = true;
  clearInterval(ticker);
  if (open === 0) finish();
});
