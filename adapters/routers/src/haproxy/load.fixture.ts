import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

/** Sends requests over kept connections until told to stop, then reports what failed. */
const { port, host, perSecond } = workerData as { port: number; host: string; perSecond: number };
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const failures: string[] = [];
const answers: Record<string, number> = {};
let sent = 0;
let open = 0;
let stopping = false;

function send(method: 'GET' | 'POST'): void {
  sent++;
  open++;
  let isOver = false;
  const end = (problem?: string) => {
    if (isOver) return;
    isOver = true;
    open--;
    if (problem) failures.push(`${method} ${problem}`);
    if (stopping && open === 0) parentPort?.postMessage({ sent, failures, answers });
  };
  const sending = request({ host: '127.0.0.1', port, agent, method, path: '/', headers: { host } }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.once('end', () => {
      answers[text] = (answers[text] ?? 0) + 1;
      end(response.statusCode === 200 ? undefined : `${response.statusCode} ${text}`);
    });
    response.on('error', (error) => end(error.message));
  });
  sending.on('error', (error) => end(error.message));
  sending.setTimeout(10_000, () => sending.destroy(new Error('no answer in 10 s')));
  sending.end(method === 'POST' ? 'body' : undefined);
}

const timer = setInterval(() => {
  for (let count = 0; count < perSecond / 100; count++) send(count % 2 === 0 ? 'GET' : 'POST');
}, 10);

parentPort?.once('message', () => {
  clearInterval(timer);
  stopping = true;
  send('GET');
});
