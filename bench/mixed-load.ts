import { Worker } from 'node:worker_threads';

/** What clients of each kind saw. */
export interface MixedReport {
  readonly counts: Readonly<Record<string, { readonly requests: number; readonly failed: number }>>;
  /** The first few reasons. */
  readonly errors: readonly string[];
}

/**
 * Steady requests on one loopback URL, or one of a test's own network (three quarters on kept connections, a fifth each on a new one, the others slow), with streams
 * and upgraded connections beside them, from a thread of its own.
 */
export function startMixedLoad(
  url: string,
  rates: { readonly perSecond: number; readonly streams: number; readonly sockets: number },
  ownNetwork?: RegExp,
): { stop(): Promise<MixedReport> } {
  const { hostname } = new URL(url);
  if (hostname !== '127.0.0.1' && !ownNetwork?.test(hostname)) throw new Error('Load goes to this machine only.');
  const worker = new Worker(new URL('./mixed-load-thread.ts', import.meta.url), { workerData: { url, ...rates } });
  const report = new Promise<MixedReport>((resolve, reject) => {
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
