import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClaimedWork } from '@eve/operations';
import { type QueueScene, queueScene } from '../testing/queue-scene.ts';
import { workQueue } from './queue.ts';
import { queueRecords } from './queue-records.ts';

async function claimed(scene: QueueScene, leaseMs?: number): Promise<ClaimedWork> {
  const work = await scene.claim('build', leaseMs);
  assert.ok(work);
  return work;
}

/** Sweeps until something became runnable: no lease ends within a lease period after the server's start. */
async function sweepUntilFreed(scene: QueueScene, leaseMs: number): Promise<number> {
  for (let round = 0; round < 400; round++) {
    const freed = await scene.queue.sweep({ leaseMs });
    if (freed > 0) return freed;
    await delay(10);
  }
  return 0;
}

it('hands out what was added, and forgets it when it is settled', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  const added = await scene.add(tenant, { exclusiveKey: 'env_1', priority: 2 });

  const { lease, attempt, ...work } = await claimed(scene);
  await scene.records.settle(lease);

  assert.deepEqual(work, added);
  assert.equal(attempt, 1);
  assert.equal(await scene.claim(), null);
  assert.deepEqual(await scene.db.database.sql`select * from work`, []);
});

it('adds work with its record or not at all', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();

  await assert.rejects(
    scene.db.database.transaction(async (database) => {
      const item = { kind: 'execute-build-run', id: 'brun_1', class: 'build', version: 1, ...tenant } as const;
      await queueRecords(database).add(item);
      throw new Error('the record was refused');
    }),
    /the record was refused/,
  );

  assert.equal(await scene.claim(), null);
});

it('takes a second add of queued work as one', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('dedicated');
  const added = await scene.add(tenant);
  await scene.records.add(added);

  assert.equal((await scene.claim())?.id, added.id);
  assert.equal(await scene.claim(), null);
});

it('runs work again that was added while it ran', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  const added = await scene.add(tenant);
  const first = await claimed(scene);
  await scene.records.add(added);
  assert.equal(await scene.claim(), null);

  await scene.records.settle(first.lease);

  const second = await claimed(scene);
  assert.equal(second.id, added.id);
  assert.equal(second.attempt, 1);
  assert.ok(second.lease.fence > first.lease.fence);
  await scene.records.settle(second.lease);
  assert.equal(await scene.claim(), null);
});

it('never loses an add that meets a settle', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  const added = await scene.add(tenant);

  for (let round = 0; round < 50; round++) {
    const work = await claimed(scene);
    await Promise.all([scene.records.settle(work.lease), scene.records.add(added)]);
  }

  assert.equal((await scene.claim())?.id, added.id);
});

it('refuses to settle and to requeue under a lease that is gone', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  await scene.add(tenant);
  const old = await claimed(scene, 1);
  await sweepUntilFreed(scene, 1);
  const taken = await claimed(scene);

  await assert.rejects(scene.records.settle(old.lease), { code: 'lease_lost' });
  await assert.rejects(scene.records.requeue(old.lease, 0, 'retry_delay'), { code: 'lease_lost' });

  assert.equal(taken.id, old.id);
  assert.equal(taken.attempt, 2);
  assert.ok(taken.lease.fence > old.lease.fence);
  await scene.records.settle(taken.lease);
});

it('gives work of a dead worker to another one after its lease, with its slot', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('free');
  await scene.add(tenant);
  const dead = await claimed(scene, 150);
  assert.equal(await scene.queue.sweep({ leaseMs: 150 }), 0);

  const freed = await sweepUntilFreed(scene, 150);

  assert.equal(freed, 1);
  assert.equal((await claimed(scene)).id, dead.id);
});

it('leaves leases alone right after the database could not be reached', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  await scene.add(tenant);
  await claimed(scene, 1);
  await delay(300);
  await scene.db.pool.query('alter table work rename to work_away');
  await assert.rejects(scene.queue.sweep({ leaseMs: 200 }));
  await scene.db.pool.query('alter table work_away rename to work');

  const atOnce = await scene.queue.sweep({ leaseMs: 200 });
  await delay(190);
  const later = await sweepUntilFreed(scene, 200);

  assert.equal(atOnce, 0);
  assert.equal(later, 1);
});

it('queues delayed work again when its time has come, and says until then why it waits', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  const added = await scene.add(tenant);
  const work = await claimed(scene);

  await scene.records.requeue(work.lease, 100, 'retry_delay');

  assert.equal(await scene.claim(), null);
  const { runAt, ...place } = (await scene.queue.position('execute-build-run', added.id)) ?? {};
  assert.deepEqual(place, { reason: 'retry_delay', position: 1 });
  assert.ok(runAt && runAt.getTime() > Date.now() - 5_000, 'it says when the delay ends');
  assert.equal(await sweepUntilFreed(scene, 10_000), 1);
  assert.equal((await claimed(scene)).attempt, 2);
});

it('counts attempts anew when work was given back for another reason than a retry', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  await scene.add(tenant);

  await scene.records.requeue((await claimed(scene)).lease, 0, 'lock');

  assert.equal((await claimed(scene)).attempt, 1);
});

it('removes queued work that is cancelled and tells the worker of running work', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  const running = await scene.add(tenant);
  await claimed(scene);
  const queued = await scene.add(tenant);

  assert.equal(await scene.records.cancel('execute-build-run', queued.id), 'removed');
  assert.equal(await scene.records.cancel('execute-build-run', running.id), 'signalled');
  assert.equal(await scene.records.cancel('execute-build-run', queued.id), 'none');
  assert.equal(await scene.queue.position('execute-build-run', queued.id), null);
});

it('says why work waits and at which place', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('free');
  const [first, second] = [await scene.add(tenant), await scene.add(tenant)];
  assert.deepEqual(await scene.queue.position('execute-build-run', first.id), { reason: 'free_worker', position: 1 });
  await claimed(scene);

  assert.equal(await scene.queue.position('execute-build-run', first.id), null);
  assert.deepEqual(await scene.queue.position('execute-build-run', second.id), { reason: 'tenant_limit', position: 1 });
});

it('wakes workers when work is added, and without it by its slow poll', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant();
  const stop = new AbortController();
  const wakes = scene.queue.wakes(stop.signal)[Symbol.asyncIterator]();
  await wakes.next(); // The connection is there.

  const woken = wakes.next();
  const atMs = performance.now();
  await scene.add(tenant);
  await woken;

  assert.ok(performance.now() - atMs < 2_000);
  const polling = workQueue(scene.db.pool, { url: scene.db.url, notifications: scene.notifications, pollMs: 20 });
  let polled = 0;
  for await (const _ of polling.wakes(stop.signal)) if (++polled === 3) stop.abort();
  assert.equal((await wakes.next()).done, true);
});
