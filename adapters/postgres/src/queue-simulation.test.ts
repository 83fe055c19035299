import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type OrganisationId, type Tier, tierLimits } from '@eve/domain';
import { longestWaits, readClaimLog, recordClaims } from '../testing/claim-log.ts';
import { type QueueScene, queueScene, type Tenant } from '../testing/queue-scene.ts';
import { fillQueue, simulateQueue } from '../testing/simulate-queue.ts';

const queuedAtAll = 100_000;
const startsSeen = 4_000;
const runningAtOnce = 120;
const tiers: readonly (readonly [Tier, number])[] = [
  ['free', 60],
  ['pro', 25],
  ['enterprise', 10],
  ['dedicated', 5],
];

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Tenants of all tiers, each with one work, and their limits. */
async function populate(scene: QueueScene): Promise<{ tenants: Tenant[]; limits: Map<OrganisationId, number> }> {
  const tenants: Tenant[] = [];
  const limits = new Map<OrganisationId, number>();
  for (const [tier, count] of tiers) {
    for (let index = 0; index < count; index++) {
      const tenant = await scene.tenant(tier);
      tenants.push(tenant);
      limits.set(tenant.tenantId, tierLimits[tier].concurrentBuilds);
      await scene.add(tenant);
    }
  }
  return { tenants, limits };
}

/** Times of claims on several queues in turn, so that whatever else the machine does costs each the same. */
async function claimTimes(scenes: readonly QueueScene[], rounds: number): Promise<number[][]> {
  const times: number[][] = scenes.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, scene] of scenes.entries()) {
      const began = performance.now();
      const work = await scene.claim();
      times[index]?.push(performance.now() - began);
      assert.ok(work);
      await scene.records.settle(work.lease);
    }
  }
  return times;
}

it('holds limits and fair shares with 100,000 queued of 100 tenants, and takes no longer to claim than with few', async () => {
  await using short = await queueScene();
  for (const tenant of (await populate(short)).tenants) await fillQueue(short.db.pool, tenant, 9);
  await using long = await queueScene();
  const { tenants, limits } = await populate(long);
  // Half of all is one tenant's, which came first.
  const queued = new Map<OrganisationId, number>();
  for (const [index, tenant] of tenants.entries()) {
    const count = index === 0 ? queuedAtAll / 2 : Math.ceil(queuedAtAll / 2 / (tenants.length - 1));
    await fillQueue(long.db.pool, tenant, count);
    queued.set(tenant.tenantId, count);
  }
  for (const { db } of [short, long]) await db.pool.query('analyze');

  const [few = [], many = []] = await claimTimes([short, long], 500);
  await recordClaims(long.db.pool);
  await simulateQueue(long, { starts: startsSeen, runningAtOnce });

  const log = await readClaimLog(long.db.pool);
  for (const [tenantId, limit] of limits) assert.ok((log.peaks.get(tenantId) ?? 0) <= limit);
  assert.ok((log.peaks.get('all') ?? 0) <= runningAtOnce + 3);
  const waits = [...longestWaits(log, limits, queued).values()];
  assert.ok(Math.max(...waits) <= 1.5 * tenants.length, `a tenant saw ${Math.max(...waits)} starts of others`);
  const ratio = median(many) / median(few);
  assert.ok(ratio <= 1.5, `a claim takes ${ratio.toFixed(2)} times as long`);
});
