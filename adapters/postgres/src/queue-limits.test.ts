import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { tierLimits } from '@eve/domain';
import type { ClaimedWork } from '@eve/operations';
import { type QueueScene, queueScene } from '../testing/queue-scene.ts';
import { setCapacity } from './queue-records.ts';

function lanesOverLimit({ db: { database } }: QueueScene) {
  return database.sql`
    select tenant_id, class from lanes
    where (
      select count(*) from work
      where work.tenant_id = lanes.tenant_id and work.class = lanes.class and work.state = 'running'
    ) > max`;
}

it('never runs more of a tenant than its tier allows, with several claimers, and runs everything once', async () => {
  await using scene = await queueScene();
  const tiers = ['free', 'pro', 'enterprise', 'dedicated'] as const;
  const tenants = await Promise.all(tiers.map((tier) => scene.tenant(tier)));
  const limits = new Map(
    tenants.map(({ tenantId }, index) => [tenantId, tierLimits[tiers[index] ?? 'free'].concurrentBuilds]),
  );
  for (let index = 0; index < 75; index++) await Promise.all(tenants.map((tenant) => scene.add(tenant)));

  const running = new Map<string, number>();
  const peaks = new Map<string, number>();
  const done = new Set<string>();
  const overLimit: unknown[] = [];
  const tasks: Promise<void>[] = [];
  async function claimer(): Promise<void> {
    while (done.size < 300) {
      const work = await scene.claim();
      if (!work) {
        await delay(1);
        continue;
      }
      overLimit.push(...(await lanesOverLimit(scene)));
      const now = (running.get(work.tenantId) ?? 0) + 1;
      running.set(work.tenantId, now);
      peaks.set(work.tenantId, Math.max(peaks.get(work.tenantId) ?? 0, now));
      tasks.push(finish(work));
    }
  }
  async function finish(work: ClaimedWork): Promise<void> {
    await delay(Math.random() * 10);
    assert.ok(!done.has(work.id), 'a work was run twice');
    running.set(work.tenantId, (running.get(work.tenantId) ?? 0) - 1);
    await scene.records.settle(work.lease);
    done.add(work.id);
  }
  await Promise.all([claimer(), claimer(), claimer()]);
  await Promise.all(tasks);

  for (const [tenantId, limit] of limits) assert.ok((peaks.get(tenantId) ?? 0) <= limit);
  assert.equal(peaks.get(tenants[0]?.tenantId ?? ''), 1);
  assert.deepEqual(overLimit, []);
  assert.equal(done.size, 300);
});

it('counts a slot exactly: the limit is reached and not passed', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('pro');
  for (let index = 0; index < 10; index++) await scene.add(tenant);

  const claimed = await Promise.all(Array.from({ length: 8 }, () => scene.claim()));

  assert.equal(claimed.filter((work) => work !== null).length, 3);
  assert.deepEqual(await scene.queue.claim({ worker: 'test', classes: ['build'], leaseMs: 10_000 }), {
    work: null,
    more: false,
  });
});

it('lets a tenant with one work through a flood of another one', async () => {
  await using scene = await queueScene();
  const flooding = await scene.tenant('dedicated');
  const small = await scene.tenant('free');
  for (let index = 0; index < 200; index++) await scene.add(flooding);
  for (let index = 0; index < 5; index++) await scene.claim();
  await scene.add(small);

  const next = await scene.claim();

  assert.equal(next?.tenantId, small.tenantId);
});

it("takes turns between one tenant's projects", async () => {
  await using scene = await queueScene();
  const flooding = await scene.tenant('dedicated');
  const small = await scene.project(flooding.tenantId);
  for (let index = 0; index < 50; index++) await scene.add(flooding);
  await scene.claim();
  await scene.add(small);
  await scene.add(small);

  const next = [await scene.claim(), await scene.claim(), await scene.claim(), await scene.claim()];

  assert.deepEqual(
    next.map((work) => work?.projectId),
    [small.projectId, flooding.projectId, small.projectId, flooding.projectId],
  );
});

it('takes higher priorities first, then the oldest', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('dedicated');
  const first = await scene.add(tenant);
  const second = await scene.add(tenant);
  const urgent = await scene.add(tenant, { priority: 5 });

  const order = [await scene.claim(), await scene.claim(), await scene.claim()];

  assert.deepEqual(
    order.map((work) => work?.id),
    [urgent.id, first.id, second.id],
  );
});

it('runs one work of an exclusive key at a time, whoever claims', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('dedicated');
  const keyed = { kind: 'execute-deploy', class: 'deploy', exclusiveKey: 'env_1' } as const;
  for (let index = 0; index < 6; index++) await scene.add(tenant, keyed);
  const other = await scene.add(tenant, { ...keyed, exclusiveKey: 'env_2' });

  const claimed = (await Promise.all(Array.from({ length: 6 }, () => scene.claim('deploy')))).filter(
    (work) => work !== null,
  );

  assert.deepEqual(claimed.map(({ exclusiveKey }) => exclusiveKey).sort(), ['env_1', 'env_2']);
  const [first] = claimed.filter(({ id }) => id !== other.id);
  assert.ok(first);
  await scene.records.settle(first.lease);
  assert.equal((await scene.claim('deploy'))?.exclusiveKey, 'env_1');
});

it('does not let work that waits for a key hold up the rest of its lane', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('dedicated');
  const keyed = { kind: 'execute-deploy', class: 'deploy', exclusiveKey: 'env_1' } as const;
  await scene.add(tenant, keyed);
  await scene.claim('deploy');
  const blocked = await scene.add(tenant, { ...keyed, priority: 9 });
  const free = await scene.add(tenant, { ...keyed, exclusiveKey: 'env_2' });

  const next = await scene.claim('deploy');

  assert.equal(next?.id, free.id);
  assert.deepEqual(await scene.queue.position('execute-deploy', blocked.id), { reason: 'lock', position: 1 });
});

it('keeps all tenants together within the capacity of the builder', async () => {
  await using scene = await queueScene();
  const tenants = [await scene.tenant('dedicated'), await scene.tenant('dedicated'), await scene.tenant('dedicated')];
  for (const tenant of tenants) for (let index = 0; index < 5; index++) await scene.add(tenant);
  const early = await scene.claim();
  await setCapacity(scene.db.database, 'build', 4);

  const claimed = await Promise.all(Array.from({ length: 9 }, () => scene.claim()));

  const started = claimed.filter((work) => work !== null);
  assert.equal(started.length, 3);
  assert.ok(early);
  await scene.records.settle(early.lease);
  assert.ok(await scene.claim());
  assert.equal(await scene.claim(), null);
  await setCapacity(scene.db.database, 'build', null);
  assert.ok(await scene.claim());
});

it('does not count control work, and follows a limit that was set', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('free');
  const control = { kind: 'advance-pipeline-run', class: 'control' } as const;
  for (let index = 0; index < 5; index++) await scene.add(tenant, control);
  for (let index = 0; index < 3; index++) await scene.add(tenant);

  const started = await Promise.all(Array.from({ length: 5 }, () => scene.claim('control')));
  await scene.records.setLane(tenant.tenantId, 'build', 2);
  const builds = [await scene.claim(), await scene.claim(), await scene.claim()];

  assert.ok(started.every((work) => work !== null));
  assert.deepEqual(
    builds.map((work) => work !== null),
    [true, true, false],
  );
});
