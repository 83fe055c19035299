import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Heartbeats, Lease } from '@eve/operations';
import { type QueueScene, queueScene } from '../testing/queue-scene.ts';
import { workQueue } from './queue.ts';

const leaseMs = 900;

interface Watched extends Disposable {
  readonly lost: Promise<void>;
  readonly cancelled: Promise<void>;
  isLost: boolean;
}

function watch(heartbeats: Heartbeats, lease: Lease): Watched {
  const lost = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const hold = heartbeats.hold(lease, {
    lost() {
      watched.isLost = true;
      lost.resolve();
    },
    cancelled: cancelled.resolve,
  });
  const watched: Watched = {
    lost: lost.promise,
    cancelled: cancelled.promise,
    isLost: false,
    [Symbol.dispose]: () => hold[Symbol.dispose](),
  };
  return watched;
}

async function claimLease(scene: QueueScene): Promise<Lease> {
  const { work } = await scene.queue.claim({ worker: 'test', classes: ['build'], leaseMs });
  assert.ok(work);
  return work.lease;
}

async function silentServer(): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function blockMainThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it('keeps a lease alive while the main thread is busy', async () => {
  await using scene = await queueScene();
  const { id } = await scene.add(await scene.tenant());
  await using heartbeats = await scene.queue.heartbeats({ leaseMs });
  const lease = await claimLease(scene);
  using watched = watch(heartbeats, lease);
  await delay(leaseMs / 3);

  blockMainThread(leaseMs * 2);

  await delay(50);
  assert.equal(watched.isLost, false);
  await scene.records.settle(lease);
  assert.equal(await scene.queue.position('execute-build-run', id), null);
});

it('says that a lease is lost when another worker has the work', async () => {
  await using scene = await queueScene();
  await scene.add(await scene.tenant());
  await using heartbeats = await scene.queue.heartbeats({ leaseMs });
  const lease = await claimLease(scene);
  using watched = watch(heartbeats, lease);
  await delay(100);

  await scene.db.pool.query('update work set fence = fence + 1');

  await watched.lost;
});

it('loses a lease by its own clock when the database does not answer', async () => {
  await using scene = await queueScene();
  await scene.add(await scene.tenant());
  // The heartbeat's connections are taken and never answered; the claim's are.
  await using silent = await silentServer();
  const url = new URL(scene.db.url);
  url.port = String(silent.port);
  const cutOff = workQueue(scene.db.pool, { url: url.href, notifications: scene.notifications });
  await using heartbeats = await cutOff.heartbeats({ leaseMs });
  const { work } = await cutOff.claim({ worker: 'test', classes: ['build'], leaseMs });
  assert.ok(work);
  const claimedAt = performance.now();

  using watched = watch(heartbeats, work.lease);
  await watched.lost;

  const heldMs = performance.now() - claimedAt;
  assert.ok(heldMs > leaseMs * 0.6 && heldMs < leaseMs * 1.6, `held for ${heldMs} ms`);
});

it('keeps a lease for as long as connections are refused: nobody can take it then', async () => {
  await using scene = await queueScene();
  await scene.add(await scene.tenant());
  const url = new URL(scene.db.url);
  url.port = '1';
  const refused = workQueue(scene.db.pool, { url: url.href, notifications: scene.notifications });
  await using heartbeats = await refused.heartbeats({ leaseMs });
  const { work } = await refused.claim({ worker: 'test', classes: ['build'], leaseMs });
  assert.ok(work);

  using watched = watch(heartbeats, work.lease);
  await delay(leaseMs * 2.5);

  assert.equal(watched.isLost, false);
});

it('tells a running work of a cancel at once, also when it was asked for before anybody listened', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('dedicated');
  await using heartbeats = await scene.queue.heartbeats({ leaseMs: 30_000 });
  const first = await scene.add(tenant);
  const early = await claimLease(scene);
  await scene.records.cancel('execute-build-run', first.id);
  using cancelledEarly = watch(heartbeats, early);
  await cancelledEarly.cancelled;

  const second = await scene.add(tenant);
  using cancelledLater = watch(heartbeats, await claimLease(scene));
  await delay(200);
  const askedAt = performance.now();
  await scene.records.cancel('execute-build-run', second.id);
  await cancelledLater.cancelled;

  assert.ok(performance.now() - askedAt < 2_000);
});

it('goes on after its connection broke', async () => {
  await using scene = await queueScene();
  await scene.add(await scene.tenant());
  await using heartbeats = await scene.queue.heartbeats({ leaseMs });
  const lease = await claimLease(scene);
  using watched = watch(heartbeats, lease);
  await delay(leaseMs / 3);

  await scene.db.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'eve-heartbeat' and datname = current_database()`,
  );
  await delay(leaseMs * 2);

  assert.equal(watched.isLost, false);
  await scene.records.settle(lease);
});

it('does not let a row that a transaction has locked cost the other leases', async () => {
  await using scene = await queueScene();
  const tenant = await scene.tenant('dedicated');
  await scene.add(tenant);
  await scene.add(tenant);
  await using heartbeats = await scene.queue.heartbeats({ leaseMs });
  const [locked, other] = [await claimLease(scene), await claimLease(scene)];
  using _locked = watch(heartbeats, locked);
  using watched = watch(heartbeats, other);

  await scene.db.database.transaction(async ({ sql }) => {
    await sql`select from work where id = ${locked.workId} for update`;
    await delay(leaseMs * 2);
  });

  assert.equal(watched.isLost, false);
  await scene.records.settle(other);
});

it('has no thread while nothing is held', async () => {
  await using scene = await queueScene();
  await using _heartbeats = await scene.queue.heartbeats({ leaseMs });
  await delay(100);

  const { rows } = await scene.db.pool.query(
    `select from pg_stat_activity where application_name = 'eve-heartbeat' and datname = current_database()`,
  );

  assert.equal(rows.length, 0);
});
