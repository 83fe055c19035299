import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createNotifications, workQueue } from '@eve/adapter-postgres';
import {
  longestWaits,
  readClaimLog,
  recordClaims,
  sampleOrganisation,
  sampleProject,
  type TestDatabase,
  testDatabase,
} from '@eve/adapter-postgres/testing';
import { encodeId, type OrganisationId, type ProjectId, type Tier, tierLimits } from '@eve/domain';
import { prepareForProcesses, type WorkerProcess, workerProcess } from '../../testing/worker-processes.ts';
import type { WorkItem } from '../ports/work-queue.ts';

// Longer than the tests need, so that a machine that does much else at once does not cost a lease.
const leaseMs = 4_000;

async function projectsOf({ store }: TestDatabase, tier: Tier, count: number) {
  const organisation = sampleOrganisation({ tier });
  await store.organisations.insert(organisation);
  const projects: { tenantId: OrganisationId; projectId: ProjectId }[] = [];
  for (let index = 0; index < count; index++) {
    const project = sampleProject(organisation);
    await store.projects.insert(project);
    projects.push({ tenantId: organisation.id, projectId: project.id });
  }
  return projects;
}

function build(of: { tenantId: OrganisationId; projectId: ProjectId }): WorkItem {
  const id = encodeId('brun', crypto.getRandomValues(new Uint8Array(16)));
  return { kind: 'execute-build-run', id, class: 'build', version: 1, ...of };
}

async function until(condition: () => boolean | Promise<boolean>, what: string, withinMs: number): Promise<void> {
  const latest = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > latest) assert.fail(`It never came to this: ${what}.`);
    await delay(20);
  }
}

function start({ url }: TestDatabase, worker: string, slots: number, workMs: [number, number]): Promise<WorkerProcess> {
  return workerProcess({ url, worker, slots, leaseMs, workMs });
}

async function count({ pool }: TestDatabase, query: string, values: unknown[] = []): Promise<number> {
  return (await pool.query(query, values)).rowCount ?? 0;
}

it('carries 500 simultaneous triggers out exactly once within all limits, over several processes of which one is killed', async () => {
  await using db = await testDatabase();
  await prepareForProcesses(db.pool);
  await recordClaims(db.pool);
  const tiers: readonly Tier[] = [
    'free',
    'free',
    'free',
    'free',
    'pro',
    'pro',
    'pro',
    'enterprise',
    'enterprise',
    'dedicated',
  ];
  const limits = new Map<OrganisationId, number>();
  const places: { tenantId: OrganisationId; projectId: ProjectId }[] = [];
  for (const tier of tiers) {
    const projects = await projectsOf(db, tier, 2);
    for (const { tenantId } of projects) limits.set(tenantId, tierLimits[tier].concurrentBuilds);
    places.push(...projects);
  }
  const capacity = 20;
  const notifications = createNotifications(db.pool, { url: db.url });
  await workQueue(db.pool, { url: db.url, notifications }).setCapacity('build', capacity);
  await using first = await start(db, 'first', 12, [5, 60]);
  await using doomed = await start(db, 'doomed', 12, [5, 60]);
  await using third = await start(db, 'third', 12, [5, 60]);

  const items = Array.from({ length: 500 }, (_, index) => build(places[index % places.length] ?? assert.fail()));
  await Promise.all(items.map((item) => db.store.queue.add(item)));
  await until(async () => (await count(db, 'select from done')) >= 120, 'a part is done', 30_000);
  // While it certainly has something.
  await until(
    async () => (await count(db, `select from work where worker = 'doomed' and state = 'running'`)) > 0,
    'it has work',
    10_000,
  );
  doomed.signal('SIGKILL');
  await until(async () => (await count(db, 'select from done')) === 500, 'all is done', 60_000);
  await notifications[Symbol.asyncDispose]();

  const log = await readClaimLog(db.pool);
  for (const [tenantId, limit] of limits) assert.ok((log.peaks.get(tenantId) ?? 0) <= limit);
  assert.ok((log.peaks.get('all') ?? 0) <= capacity);
  assert.equal(await count(db, 'select from work'), 0);
  assert.equal(log.starts.size, 500);
  const settled = [first, doomed, third].flatMap(({ lines }) => lines.filter(({ text }) => text.startsWith('settled')));
  assert.ok(settled.length <= 500);
  assert.equal(
    await count(
      db,
      `select from done where fence <> (select max(fence) from begun where begun.subject = done.subject)`,
    ),
    0,
    'the one who began last ended it',
  );
  const waits = [...longestWaits(log, limits).values()];
  // A lane whose row somebody else has locked at that moment is passed over, and keeps its turn.
  assert.ok(Math.max(...waits) <= 2 * limits.size, `a tenant saw ${Math.max(...waits)} starts of others`);
});

it('has the work of a killed process taken over by another one within lease and sweep', async () => {
  await using db = await testDatabase();
  await prepareForProcesses(db.pool);
  const [place] = await projectsOf(db, 'dedicated', 1);
  assert.ok(place);
  await using doomed = await start(db, 'doomed', 3, [60_000, 60_000]);
  for (let index = 0; index < 3; index++) await db.store.queue.add(build(place));
  await until(async () => (await count(db, 'select from begun')) === 3, 'it has begun', 10_000);
  await using other = await start(db, 'other', 3, [10, 10]);

  doomed.signal('SIGKILL');
  const killedAt = performance.now();
  await until(
    async () => (await count(db, `select from done where worker = $1`, [other.worker])) === 3,
    'all are done',
    15_000,
  );

  assert.ok(performance.now() - killedAt <= 15_000);
});

it('refuses what a process wants to do that was stopped for twice its lease', async () => {
  await using db = await testDatabase();
  await prepareForProcesses(db.pool);
  const [place] = await projectsOf(db, 'dedicated', 1);
  assert.ok(place);
  await using paused = await start(db, 'paused', 1, [1_500, 1_500]);
  const item = build(place);
  await db.store.queue.add(item);
  await until(async () => (await count(db, 'select from begun')) === 1, 'it has begun', 10_000);
  paused.signal('SIGSTOP');
  await using other = await start(db, 'other', 1, [10, 10]);

  await until(async () => (await count(db, 'select from done')) === 1, 'the other one has done it', 15_000);
  await delay(leaseMs);
  paused.signal('SIGCONT');
  await until(() => paused.lines.length > 0, 'it goes on', 10_000);

  const said = paused.lines.map(({ text }) => text.split(' ')[0]);
  assert.deepEqual(said, ['refused'], 'neither an act outside nor a write');
  const [done] = await db.database.sql`select worker from done where subject = ${item.id}`;
  assert.deepEqual(done, { worker: other.worker });
  assert.equal(await count(db, 'select from work'), 0);
});
