import {
  createNotifications,
  createPool,
  database,
  type Pool,
  postgresStore,
  queueRecords,
  workQueue,
} from '@eve/adapter-postgres';
import type { Store } from '../src/ports/store.ts';
import type { ClaimedWork, WorkQueue } from '../src/ports/work-queue.ts';
import { runWorker } from '../src/work/run-worker.ts';
import { sweepQueue } from '../src/work/sweep.ts';
import type { WorkHandler } from '../src/work/worker-options.ts';
import { byKind } from './worker-crew.ts';

/** A worker with connections of its own, as in a process of its own. */
export interface WorkerAt extends AsyncDisposable {
  readonly pool: Pool;
  readonly queue: WorkQueue;
  readonly store: Store;
  readonly said: readonly string[];
}

export interface WorkerAtOptions {
  readonly url: string;
  readonly worker: string;
  readonly slots: number;
  readonly leaseMs: number;
}

/** Starts a worker on the database of the URL; the handler is made with what it needs. Disposing stops it. */
export function workerAt(
  { url, worker, slots, leaseMs }: WorkerAtOptions,
  build: (at: Omit<WorkerAt, 'said' | keyof AsyncDisposable>) => WorkHandler,
): WorkerAt {
  const pool = createPool({ url, applicationName: worker });
  const notifications = createNotifications(pool, { url });
  const queue = workQueue(pool, { url, notifications, pollMs: 500 });
  const store = postgresStore(database(pool), queueRecords);
  const said: string[] = [];
  const say = (_: object, sentence: string) => void said.push(sentence);
  const platform = { queue, store, log: { info: say, warn: say, error: say }, failpoint: () => {} };
  const kinds = ['execute-build-run', 'execute-deploy', 'retire-instances', 'advance-pipeline-run'] as const;
  const stopping = new AbortController();
  const options = {
    worker,
    leaseMs,
    graceMs: 2_000,
    slots: { build: slots, deploy: 1, control: 1 },
    handlers: byKind(kinds, build({ pool, queue, store })),
    giveUp: byKind(kinds, (work: ClaimedWork) => store.queue.settle(work.lease)),
  };
  const ended = Promise.all([
    sweepQueue(platform, { leaseMs }, stopping.signal),
    runWorker(platform, options, stopping.signal),
  ]);
  return {
    pool,
    queue,
    store,
    said,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ended;
      await notifications[Symbol.asyncDispose]();
      await pool.end();
    },
  };
}
