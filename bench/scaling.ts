import { setTimeout as sleep } from 'node:timers/promises';
import { fillQueue } from '@eve/adapter-postgres/testing';
import { prepareForProcesses, type WorkerProcess, workerProcess } from '@eve/operations/testing';
import { withDatabase } from './database.ts';
import { type Figure, measured, round } from './figure.ts';
import type { Scene } from './scene.ts';

const workers = [1, 2, 3, 4] as const;
const queued = [200, 1_000] as const;
const tenants = 20;
const longestMs = 120_000;

/** Builds that do nothing: how many worker processes of four slots each take and end a second, for each length of the queue. */
export async function workerScaling(scene: Scene): Promise<Figure[]> {
  const curve: string[] = [];
  const rates = new Map<number, number>();
  for (const builds of queued) {
    for (const count of workers) {
      const rate = await drained(scene, count, builds);
      if (builds === Math.max(...queued)) rates.set(count, rate);
      curve.push(`${count} × ${builds}: ${round(rate)}/s`);
    }
  }
  const [one = 0, most = 0] = [rates.get(1), Math.max(...rates.values())];
  const detail = `workers × queued builds: ${curve.join(', ')}; ${tenants} tenants, all with room; the peer is one worker`;
  return [
    measured({
      name: 'worker-scaling',
      ours: most,
      peer: one,
      unit: 'builds/s',
      target: 'more workers take no less',
      met: most >= one,
      detail,
    }),
  ];
}

async function drained(scene: Scene, count: number, builds: number): Promise<number> {
  return withDatabase(scene.directory, async ({ url, pool, store, tenant, item }) => {
    await prepareForProcesses(pool);
    const all = await Promise.all(Array.from({ length: tenants }, () => tenant()));
    await using ending = new AsyncDisposableStack();
    const options = { url, slots: 4, leaseMs: 10_000, workMs: [0, 0] as const };
    const started: WorkerProcess[] = [];
    for (let each = 0; each < count; each++)
      started.push(ending.use(await workerProcess({ ...options, worker: `worker ${each}` })));
    const began = performance.now();
    // All but one of each at once: the last one wakes the workers.
    for (const each of all) await fillQueue(pool, each, builds / tenants - 1);
    for (const each of all) await store.queue.add(item(each));
    for (;;) {
      const { rowCount } = await pool.query('select from done');
      if (rowCount === builds) break;
      if (performance.now() - began > longestMs) throw new Error(`Only ${rowCount} of ${builds} builds were done.`);
      await sleep(20);
    }
    return (builds / (performance.now() - began)) * 1_000;
  });
}
