import { setTimeout as sleep } from 'node:timers/promises';
import { fillQueue, longestWaits, readClaimLog, recordClaims, simulateQueue } from '@eve/adapter-postgres/testing';
import { type OrganisationId, type Tier, tierLimits } from '@eve/domain';
import { prepareForProcesses, workerProcess } from '@eve/operations/testing';
import { type BenchDatabase, withDatabase } from './database.ts';
import { type Figure, listed, measured, median, quantile } from './figure.ts';
import type { Scene } from './scene.ts';

const queued = 100_000;
const starts = 4_000;
const tiers: readonly (readonly [Tier, number])[] = [
  ['free', 60],
  ['pro', 25],
  ['enterprise', 10],
  ['dedicated', 5],
];

/** What 100 tenants get of three workers behind 100,000 queued builds, half of them one tenant's. */
export async function fairness(scene: Scene): Promise<Figure[]> {
  return withDatabase(scene.directory, async (place) => {
    const limits = new Map<OrganisationId, number>();
    const waiting = new Map<OrganisationId, number>();
    for (const [tier, count] of tiers) {
      for (let index = 0; index < count; index++) {
        const tenant = await place.tenant(tier);
        await place.store.queue.add(place.item(tenant));
        const more = limits.size === 0 ? queued / 2 : Math.ceil(queued / 2 / 99);
        await fillQueue(place.pool, tenant, more);
        limits.set(tenant.tenantId, tierLimits[tier].concurrentBuilds);
        waiting.set(tenant.tenantId, more + 1);
      }
    }
    await place.pool.query('analyze');
    await recordClaims(place.pool);
    await simulateQueue({ queue: place.queue, records: place.store.queue }, { starts, runningAtOnce: 120 });

    const log = await readClaimLog(place.pool);
    const longest = Math.max(...longestWaits(log, limits, waiting).values()) / limits.size;
    const over = [...limits].filter(([tenantId, limit]) => (log.peaks.get(tenantId) ?? 0) > limit).length;
    const detail = `${starts.toLocaleString('en')} starts by 3 workers, ${queued.toLocaleString('en')} queued of ${limits.size} tenants of all tiers; the most starts of others that a tenant with work and room saw before its own`;
    return [
      measured({
        name: 'fairness',
        ours: longest,
        unit: '× fair share',
        target: '≤ 1.5 ×',
        met: longest <= 1.5,
        detail,
      }),
      measured({ name: 'limits exceeded', ours: over, unit: 'tenants', target: '0', met: over === 0, detail: '' }),
    ];
  });
}

const takeovers = 3;

/** A worker process is killed; until another one has begun its work, with the lease that a server has. */
export async function takeover(scene: Scene): Promise<Figure[]> {
  const times = await withDatabase(scene.directory, async (place) => {
    await prepareForProcesses(place.pool);
    const mine = await place.tenant();
    const results: number[] = [];
    for (let round = 0; round < takeovers; round++) results.push(await takeOver(place, mine, round));
    return results;
  });
  const longest = Math.max(...times);
  const detail = `${takeovers} times kill -9 of a worker process with 4 works, lease 10 s, until a second process has begun the last of them: ${listed(times)} ms`;
  return [
    measured({ name: 'takeover', ours: longest, unit: 'ms', target: '≤ 15000 ms', met: longest <= 15_000, detail }),
  ];
}

async function takeOver(
  { url, pool, store, item }: BenchDatabase,
  mine: { tenantId: OrganisationId; projectId: Parameters<BenchDatabase['item']>[0]['projectId'] },
  round: number,
): Promise<number> {
  const options = { url, slots: 4, leaseMs: 10_000 };
  await using doomed = await workerProcess({ ...options, worker: `doomed ${round}`, workMs: [600_000, 600_000] });
  for (let index = 0; index < 4; index++) await store.queue.add(item(mine));
  await untilBegun(pool, doomed.worker);
  await using other = await workerProcess({ ...options, worker: `other ${round}`, workMs: [1, 1] });
  await sleep(Math.random() * 3_000); // Anywhere between two heartbeats.

  doomed.signal('SIGKILL');
  const killedAt = performance.now();
  await untilBegun(pool, other.worker);
  return performance.now() - killedAt;
}

async function untilBegun(pool: BenchDatabase['pool'], worker: string): Promise<void> {
  const latest = performance.now() + 60_000;
  while (performance.now() < latest) {
    const { rowCount } = await pool.query('select from begun where worker = $1', [worker]);
    if (rowCount === 4) return;
    await sleep(20);
  }
  throw new Error(`The worker ${worker} did not begin its work within a minute.`);
}

/** From the request to cancel running work to the moment when its handler is told. */
export async function cancelSignal(scene: Scene): Promise<Figure[]> {
  const times = await withDatabase(scene.directory, async ({ queue, store, item, tenant }) => {
    await using heartbeats = await queue.heartbeats({ leaseMs: 10_000 });
    const mine = await tenant();
    const results: number[] = [];
    for (let round = 0; round < 100; round++) {
      await store.queue.add(item(mine));
      const { work } = await queue.claim({ worker: 'bench', classes: ['build'], leaseMs: 10_000 });
      if (!work) throw new Error('There was nothing to claim.');
      const told = Promise.withResolvers<void>();
      using _held = heartbeats.hold(work.lease, {
        lost: () => told.reject(new Error('lost')),
        cancelled: told.resolve,
      });
      const began = performance.now();
      await store.queue.cancel('execute-build-run', work.id);
      await told.promise;
      results.push(performance.now() - began);
      await store.queue.settle(work.lease);
    }
    return results;
  });
  const [half, most] = [median(times), quantile(times, 0.99)];
  const detail =
    '100 running works, from the request to the signal of the handler; what the handler stops then is not in it';
  return [
    measured({ name: 'cancel-signal p50', ours: half, unit: 'ms', target: '≤ 50 ms', met: half <= 50, detail }),
    measured({ name: 'cancel-signal p99', ours: most, unit: 'ms', target: '≤ 2000 ms', met: most <= 2_000, detail }),
  ];
}
