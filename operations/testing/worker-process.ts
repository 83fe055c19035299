import { database, queueRecords } from '@eve/adapter-postgres';
import { pause } from '../src/work/pause.ts';
import { type WorkerAtOptions, workerAt } from './worker-at.ts';

// A worker in a process of its own, for tests that kill or stop it. It writes down when it began a work, every outside
// act that it was still allowed, and its end together with the settling. It ends by a signal only.

/** What the process is started with, as JSON. */
export interface WorkerProcessOptions extends WorkerAtOptions {
  /** How long a work takes, at least and at most. */
  readonly workMs: readonly [number, number];
}

const options: WorkerProcessOptions = JSON.parse(process.argv[2] ?? '');
const [least, most] = options.workMs;

workerAt(options, ({ pool }) => {
  const db = database(pool);
  return async ({ id, lease }, signal) => {
    await db.sql`
      insert into begun (subject, worker, fence) values (${id}, ${options.worker}, ${lease.fence})`;
    await pause(least + Math.random() * (most - least), signal);
    // What comes after the work is tried in any case: a lease that is lost must refuse it.
    if (!signal.aborted) process.stdout.write(`act ${id} ${lease.fence}\n`);
    try {
      await db.transaction(async (inside) => {
        await queueRecords(inside).settle(lease);
        await inside.sql`insert into done (subject, worker, fence) values (${id}, ${options.worker}, ${lease.fence})`;
      });
      process.stdout.write(`settled ${id} ${lease.fence}\n`);
    } catch (error) {
      process.stdout.write(`refused ${id} ${lease.fence}\n`);
      throw error;
    }
  };
});
process.stdout.write('ready\n');
