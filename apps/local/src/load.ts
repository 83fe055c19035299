import { Worker } from 'node:worker_threads';

export interface LoadReport {
  readonly requests: number;
  readonly failed: number;
  /** The first few reasons. */
  readonly errors: readonly string[];
}

/** A steady load on one loopback URL, or one of a test's own network, from a thread of its own, until it is stopped. */
export function startLoad(url: string, perSecond: number, ownNetwork?: RegExp): { stop(): Promise<LoadReport> } {
  const { hostname } = new URL(url);
  if (!['127.0.0.1', 'localhost'].includes(hostname) && !ownNetwork?.test(hostname))
    throw new Error('Load goes to this machine only.');
  const worker = new Worker(new URL('./load-thread.ts', import.meta.url), { workerData: { url, perSecond } });
  const report = new Promise<LoadReport>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return {
    stop() {
      worker.postMessage('stop');
      return report;
    },
  };
}
