import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { QueuedWork, WorkClass } from '@eve/operations';
import { type QueueScene, queueScene } from '../testing/queue-scene.ts';

const builds: readonly WorkClass[] = ['build'];

/** The order in which claims really come to what is queued: everything is started and settled, one by one. */
async function claimOrder(scene: QueueScene): Promise<string[]> {
  const order: string[] = [];
  for (let work = await scene.claim(); work; work = await scene.claim()) {
    order.push(work.id);
    await scene.records.settle(work.lease);
  }
  return order;
}

function ids(items: readonly QueuedWork[]): string[] {
  return items.map(({ id }) => id);
}

it('lists what is queued in the order in which it is taken, tenants and projects taking turns', async () => {
  await using scene = await queueScene();
  const flooding = await scene.tenant('dedicated');
  const second = await scene.project(flooding.tenantId);
  const small = await scene.tenant('free');
  for (let index = 0; index < 6; index++) await scene.add(flooding);
  for (let index = 0; index < 3; index++) await scene.add(second);
  await scene.add(small);
  await scene.add(small, { priority: 7 });
  for (let index = 0; index < 2; index++) {
    const work = await scene.claim();
    assert.ok(work);
    await scene.records.settle(work.lease);
  }

  const { items } = await scene.queue.list(null, { classes: builds, limit: 100 });
  const own = await scene.queue.list(flooding.tenantId, { classes: builds, limit: 100 });
  const positions = await Promise.all(ids(own.items).map((id) => scene.queue.position('execute-build-run', id)));

  assert.deepEqual(
    items.map(({ position }) => position),
    items.map((_, index) => index + 1),
  );
  assert.deepEqual(
    positions,
    own.items.map((_, index) => ({ reason: 'free_worker', position: index + 1 })),
  );
  const order = await claimOrder(scene);
  assert.deepEqual(ids(items), order);
  assert.deepEqual(
    ids(own.items),
    order.filter((id) => ids(own.items).includes(id)),
  );
});

it('says of each work why it waits and since when, and what of the limits is used', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('free');
  const stranger = await scene.tenant('pro');
  const delayed = await scene.add(tenant);
  const work = await scene.claim();
  assert.ok(work);
  await scene.records.requeue(work.lease, 60_000, 'retry_delay');
  const running = await scene.add(tenant, { priority: 3 });
  await scene.claim();
  const queued = await scene.add(tenant);
  await scene.add(stranger);
  await scene.queue.setCapacity('build', 1);

  const { items, lanes, capacities } = await scene.queue.list(tenant.tenantId, { classes: builds, limit: 100 });
  const all = await scene.queue.list(null, { classes: builds, limit: 100 });

  assert.deepEqual(
    items.map(({ id, state, reason, position }) => ({ id, state, reason, position })),
    [
      { id: running.id, state: 'running', reason: null, position: null },
      { id: queued.id, state: 'queued', reason: 'tenant_limit', position: 1 },
      { id: delayed.id, state: 'waiting', reason: 'retry_delay', position: 2 },
    ],
  );
  const [first, , last] = items;
  assert.ok(first && last);
  assert.equal(first.worker, 'test');
  assert.equal(first.priority, 3);
  assert.ok(first.since >= first.createdAt);
  assert.ok(last.runAt.getTime() - last.since.getTime() >= 59_000, 'it says when the delay ends');
  assert.deepEqual(lanes, [{ tenantId: tenant.tenantId, class: 'build', max: 1, running: 1, queued: 1, waiting: 1 }]);
  assert.deepEqual(capacities, [{ class: 'build', max: 1, running: 1 }]);
  assert.equal(all.lanes.length, 2);
  assert.equal(all.items.find(({ tenantId }) => tenantId === stranger.tenantId)?.reason, 'builder_capacity');
});

it('gives the list in pages, and refuses cursors that it did not give', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('dedicated');
  for (let index = 0; index < 5; index++) await scene.add(tenant);

  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await scene.queue.list(tenant.tenantId, { classes: builds, limit: 2, ...(cursor && { cursor }) });
    seen.push(...ids(page.items));
    cursor = page.nextCursor;
  } while (cursor);

  assert.equal(new Set(seen).size, 5);
  const page = { classes: builds, limit: 2 };
  for (const wrong of ['x', Buffer.from('queue -1').toString('base64url'), '']) {
    await assert.rejects(scene.queue.list(null, { ...page, cursor: wrong }), { code: 'request_invalid' });
  }
  await assert.rejects(scene.queue.list(null, { ...page, limit: 0 }), { code: 'request_invalid' });
});
