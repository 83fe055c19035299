import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { quantile } from './figure.ts';

// Asks one URL as fast as 20 kept connections let it, and counts.
const { url, token, forMs } = workerData as { url: string; token: string; forMs: number }; // as `api-read.ts` gives it
const connections = 20;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const times: number[] = [];
let wrong = 0;
const until = performance.now() + forMs;

function ask(): Promise<void> {
  const began = performance.now();
  return new Promise((resolve) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
      if (answer.statusCode !== 200) wrong += 1;
      answer.resume().on('end', () => {
        times.push(performance.now() - began);
        resolve();
      });
    });
    sent.on('error', () => {
      wrong += 1;
      resolve();
    });
    sent.end();
  });
}

await Promise.all(
  Array.from({ length: connections }, async () => {
    while (performance.now() < until) await ask();
  }),
);
agent.destroy();
parentPort?.postMessage({ perSecond: times.length / (forMs / 1_000), p99Ms: quantile(times, 0.99), wrong });
