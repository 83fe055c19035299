import { setTimeout as sleep } from 'node:timers/promises';
import { fillQueue } from '@eve/adapter-postgres/testing';
import { runWorker } from '@eve/operations';
import { type BenchDatabase, withDatabase } from './database.ts';
import { type Figure, listed, measured, median, quantile } from './figure.ts';
import type { Scene } from './scene.ts';

const leaseMs = 10_000;

/** Accepted → handler started, with a free slot: the real worker loop on the real queue, a build that does nothing. */
export async function pickup(scene: Scene): Promise<Figure[]> {
  const times = await withDatabase(scene.directory, pickUps);
  const [half, most] = [median(times), quantile(times, 0.99)];
  const detail = '100 items, one at a time, from the request to add to the start of the handler';
  return [
    measured({ name: 'pickup p50', ours: half, unit: 'ms', target: '≤ 20 ms', met: half <= 20, detail }),
    measured({ name: 'pickup p99', ours: most, unit: 'ms', target: '≤ 100 ms', met: most <= 100, detail }),
  ];
}

async function pickUps({ queue, store, item, tenant }: BenchDatabase): Promise<number[]> {
  const stopping = new AbortController();
  const started = new Map<string, (at: number) => void>();
  const build = async (work: { id: string; lease: Parameters<typeof store.queue.settle>[0] }) => {
    started.get(work.id)?.(performance.now());
    await store.queue.settle(work.lease);
  };
  const kinds = {
    'execute-build-run': build,
    'execute-deploy': build,
    'retire-instances': build,
    'advance-pipeline-run': build,
  };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const worker = runWorker(
    { queue, store, log, failpoint: () => {} },
    { worker: 'bench', slots: { build: 4, deploy: 1, control: 1 }, handlers: kinds, giveUp: kinds, leaseMs },
    stopping.signal,
  );
  const mine = await tenant();
  const times: number[] = [];
  await sleep(500);
  for (let round = 0; round < 100; round++) {
    const next = item(mine);
    const { promise, resolve } = Promise.withResolvers<number>();
    started.set(next.id, resolve);
    const began = performance.now();
    await store.queue.add(next);
    times.push((await promise) - began);
    await sleep(10);
  }
  stopping.abort();
  await worker;
  return times;
}

const tenants = 100;
const queued = 100_000;
const samples = 300;

/** The cost of taking and settling one piece of work behind a long queue, against an almost empty one. */
export async function claim(scene: Scene): Promise<Figure[]> {
  const { few, many } = await withDatabase(scene.directory, async (place) => {
    const everybody = await Promise.all(Array.from({ length: tenants }, () => place.tenant()));
    for (const one of everybody) for (let index = 0; index < 4; index++) await place.store.queue.add(place.item(one));
    await place.pool.query('analyze');
    const few = await claimAndSettle(place);
    for (const one of everybody) await place.store.queue.add(place.item(one));
    for (const one of everybody) await fillQueue(place.pool, one, queued / tenants);
    await place.pool.query('analyze work');
    return { few, many: await claimAndSettle(place) };
  });
  const detail = `${samples} claims with settle; p50 ${listed([median(few), median(many)])} ms, p99 ${listed([quantile(few, 0.99), quantile(many, 0.99)])} ms, with up to ${tenants * 5} and with ${queued.toLocaleString('en')} queued of ${tenants} tenants`;
  const [ours, peer] = [median(many), median(few)];
  return [measured({ name: 'claim', ours, peer, unit: 'ms p50', target: '≤ 1.5 ×', met: ours / peer <= 1.5, detail })];
}

async function claimAndSettle({ queue, store }: BenchDatabase): Promise<number[]> {
  const times: number[] = [];
  while (times.length < samples) {
    const began = performance.now();
    const { work } = await queue.claim({ worker: 'bench', classes: ['build'], leaseMs });
    if (!work) continue;
    await store.queue.settle(work.lease);
    times.push(performance.now() - began);
  }
  return times;
}
