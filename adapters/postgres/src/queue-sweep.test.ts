import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newId, sampleOrganisation, sampleProject } from '../testing/index.ts';
import { queueScene } from '../testing/queue-scene.ts';
import { createPool, database } from './connection.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { migrate } from './migrate.ts';
import { claim } from './queue-claim.ts';
import { queueRecords } from './queue-records.ts';
import { createSweep } from './queue-sweep.ts';
import { postgresStore } from './store.ts';

const quiet = { info() {}, warn() {}, error() {} };

async function untilAnswered(ask: () => Promise<unknown>): Promise<void> {
  for (let round = 0; round < 200; round++) {
    if (
      await ask().then(
        () => true,
        () => false,
      )
    )
      return;
    await delay(50);
  }
  assert.fail('The database did not come back.');
}

it('frees nothing right after the server recovered from the crash of one of its processes', async () => {
  await using things = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'eve-sweep-'));
  things.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10 }));
  const server = await startEmbeddedPostgres({ dataDir, port: null, log: quiet });
  things.defer(() => server.stop());
  const pool = createPool({ url: server.url });
  things.defer(() => pool.end());
  await migrate(pool);
  const leaseMs = 3_000;
  const db = database(pool);
  const store = postgresStore(db, queueRecords);
  const organisation = sampleOrganisation();
  const project = sampleProject(organisation);
  await store.organisations.insert(organisation);
  await store.projects.insert(project);
  const of = { tenantId: organisation.id, projectId: project.id };
  await store.queue.add({ kind: 'execute-build-run', id: newId('brun'), class: 'build', version: 1, ...of });
  await delay(leaseMs); // The first start is long ago.
  await claim(db, { worker: 'test', classes: ['build'], leaseMs: 1 });

  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
  await untilAnswered(() => pool.query('select 1'));
  const sweep = createSweep(db, () => {});
  const atOnce = await sweep({ leaseMs });
  await delay(leaseMs - 1_000);
  let freed = 0;
  for (let round = 0; round < 40 && freed === 0; round++) {
    freed = await sweep({ leaseMs });
    await delay(100);
  }

  assert.equal(atOnce, 0);
  assert.equal(freed, 1);
});

it('forgets answers to repeated requests after a day', async () => {
  await using scene = await queueScene();
  const { tenantId } = await scene.tenant();
  const { idempotency } = scene.db.store;
  const hourMs = 3_600_000;
  for (const [key, hours] of [
    ['old', 25],
    ['young', 23],
  ] as const) {
    await idempotency.begin(tenantId, 'POST /x', key, 'hash', new Date(Date.now() - hours * hourMs));
    await idempotency.finish(tenantId, 'POST /x', key, { requestHash: 'hash', status: 200, body: '{}' });
  }

  await scene.queue.sweep({ leaseMs: 1_000 });

  assert.deepEqual(await scene.db.database.sql`select key from idempotency_keys`, [{ key: 'young' }]);
});
