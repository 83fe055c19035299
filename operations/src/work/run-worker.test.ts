import assert from 'node:assert/strict';
import { it } from 'node:test';
import { crew, type QueueScene } from '../../testing/worker-crew.ts';
import type { ClaimedWork, WorkItem } from '../ports/work-queue.ts';
import { pause } from './pause.ts';

const forEver = new AbortController().signal;

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (await condition()) return;
    await pause(20, forEver);
  }
  assert.fail(`It never came to this: ${what}.`);
}

async function isGone(scene: QueueScene, { id }: WorkItem): Promise<boolean> {
  return (await scene.db.database.sql`select from work where subject_id = ${id}`).length === 0;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

it('carries out everything, never more at once than it has slots', async () => {
  await using place = await crew();
  const { scene } = place;
  const tenants = await Promise.all([1, 2, 3, 4].map(() => scene.tenant()));
  let running = 0;
  let peak = 0;
  const done: string[] = [];
  place.start(async (work) => {
    peak = Math.max(peak, ++running);
    await pause(5, forEver);
    running--;
    await scene.records.settle(work.lease);
    done.push(work.id);
  });

  const added: WorkItem[] = [];
  for (let index = 0; index < 40; index++) {
    for (const tenant of tenants.slice(index % 4, (index % 4) + 1)) added.push(await scene.add(tenant));
  }

  await until(() => done.length === 40, 'all 40 are done');
  assert.deepEqual(done.toSorted(), added.map(({ id }) => id).toSorted());
  assert.equal(peak, 2);
  assert.equal(place.failpoints.filter((name) => name === 'after-claim').length, 40);
});

it('keeps the lease of a handler that takes longer than it', async () => {
  await using place = await crew();
  const { scene } = place;
  let runs = 0;
  place.start(async (work) => {
    runs++;
    await pause(3_500, forEver);
    await scene.records.settle(work.lease);
  });

  const added = await scene.add(await scene.tenant());

  await until(() => isGone(scene, added), 'the work is settled');
  assert.equal(runs, 1);
});

it('tells a handler of a cancel, and leaves the end to it', async () => {
  await using place = await crew();
  const { scene } = place;
  let hasBegun = false;
  place.start(async (work, _signal, cancelled) => {
    hasBegun = true;
    await untilAborted(cancelled).catch(() => {});
    await scene.records.settle(work.lease);
  });
  const added = await scene.add(await scene.tenant());
  await until(() => hasBegun, 'the handler runs');

  assert.equal(await scene.records.cancel('execute-build-run', added.id), 'signalled');

  await until(() => isGone(scene, added), 'the handler settled it');
});

it('ends a handler whose lease was taken, and does not touch the work again', async () => {
  await using place = await crew();
  const { scene } = place;
  const ended: unknown[] = [];
  let hasBegun = false;
  place.start(async (_work, signal) => {
    hasBegun = true;
    await untilAborted(signal).catch((reason: unknown) => {
      ended.push(reason);
      throw reason;
    });
  });
  const added = await scene.add(await scene.tenant());
  await until(() => hasBegun, 'the handler runs');

  await scene.db.pool.query(
    `update work set fence = nextval('work_fences'), worker = 'other', leased_until = now() + interval '1 hour'`,
  );

  await until(() => place.said.includes('the lease on work was lost'), 'the loss is noticed');
  assert.equal((ended[0] as { code?: string }).code, 'lease_lost'); // what the worker aborts with
  const [row] = await scene.db.database.sql`select worker, state from work where subject_id = ${added.id}`;
  assert.deepEqual(row, { worker: 'other', state: 'running' });
});

it('tries work that threw again later', async () => {
  await using place = await crew();
  const { scene } = place;
  const attempts: number[] = [];
  place.start(async (work) => {
    attempts.push(work.attempt);
    if (work.attempt === 1) throw new Error('the engine hiccuped');
    await scene.records.settle(work.lease);
  });

  const added = await scene.add(await scene.tenant());
  const reason = async () => (await scene.queue.position('execute-build-run', added.id))?.reason;

  await until(async () => (await reason()) === 'retry_delay', 'it waits for the second attempt');
  await until(() => isGone(scene, added), 'the second attempt settled it');
  assert.deepEqual(attempts, [1, 2]);
});

it('gives up work that threw five times', async () => {
  await using place = await crew();
  const { scene } = place;
  const added = await scene.add(await scene.tenant());
  await scene.db.pool.query('update work set attempt = 4');
  const givenUp: unknown[] = [];

  place.start(
    async () => {
      throw new Error('the same as ever');
    },
    {
      async onGiveUp(work, error) {
        givenUp.push(error);
        await scene.records.settle(work.lease);
      },
    },
  );

  await until(() => isGone(scene, added), 'the record is ended');
  assert.deepEqual(
    givenUp.map((error) => (error as Error).message), // a handler threw it just above
    ['the same as ever'],
  );
});

it('gives up work whose workers always died, without beginning it again', async () => {
  await using place = await crew();
  const { scene } = place;
  const added = await scene.add(await scene.tenant());
  await scene.db.pool.query('update work set attempt = 10');
  let runs = 0;

  place.start(async () => void runs++);

  await until(() => isGone(scene, added), 'the record is ended');
  assert.equal(runs, 0);
});

it('takes up what a worker that died left behind', async () => {
  await using place = await crew();
  const { scene } = place;
  const added = await scene.add(await scene.tenant());
  const { work: dead } = await scene.queue.claim({ worker: 'dead', classes: ['build'], leaseMs: 300 });
  assert.ok(dead);
  const taken: ClaimedWork[] = [];

  place.start(async (work) => {
    taken.push(work);
    await scene.records.settle(work.lease);
  });

  await until(() => isGone(scene, added), 'another worker settled it');
  assert.equal(taken[0]?.attempt, 2);
  assert.ok((taken[0]?.lease.fence ?? 0) > dead.lease.fence);
});

it('waits for what runs when it stops, and begins nothing new', async () => {
  await using place = await crew();
  const { scene } = place;
  let hasBegun = false;
  const worker = place.start(async (work) => {
    hasBegun = true;
    await pause(300, forEver);
    await scene.records.settle(work.lease);
  });
  const first = await scene.add(await scene.tenant());
  await until(() => hasBegun, 'the handler runs');

  const stopped = worker.stop();
  const second = await scene.add(await scene.tenant());
  await stopped;

  assert.equal(await isGone(scene, first), true);
  assert.deepEqual(await scene.queue.position('execute-build-run', second.id), { reason: 'free_worker', position: 1 });
});

it('gives work back that does not end within the grace', async () => {
  await using place = await crew();
  const { scene } = place;
  let hasBegun = false;
  const worker = place.start(
    async (_work, signal) => {
      hasBegun = true;
      await untilAborted(signal);
    },
    { graceMs: 50 },
  );
  const added = await scene.add(await scene.tenant());
  await until(() => hasBegun, 'the handler runs');

  await worker.stop();

  assert.deepEqual(await scene.queue.position('execute-build-run', added.id), { reason: 'free_worker', position: 1 });
});

it('stops although a handler heeds no signal', async () => {
  await using place = await crew();
  const { scene } = place;
  const { promise, resolve } = Promise.withResolvers<void>();
  let hasBegun = false;
  const worker = place.start(
    () => {
      hasBegun = true;
      return promise;
    },
    { graceMs: 50, giveBackMs: 50 },
  );
  await scene.add(await scene.tenant());
  await until(() => hasBegun, 'the handler runs');

  await worker.stop();
  resolve();

  assert.ok(place.said.includes('the worker stops although handlers still run'));
});
