import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { advanceBuildRun, type BuildRun, type BuildStep, buildFailure, type Project } from '@eve/domain';
import type { Lease } from '@eve/operations';
import {
  at,
  completeBuild,
  expireLease,
  finishedBuild,
  newId,
  sampleArtifact,
  sampleOrganisation,
  sampleProject,
  sampleRun,
  sampleSpec,
  startedBuild,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

let db: TestDatabase;
let project: Project;

before(async () => {
  db = await testDatabase();
});
beforeEach(async () => {
  const organisation = sampleOrganisation({ tier: 'dedicated' });
  project = sampleProject(organisation);
  await db.store.organisations.insert(organisation);
  await db.store.projects.insert(project);
});
after(() => db[Symbol.asyncDispose]());

async function end(run: BuildRun, lease: Lease): Promise<BuildRun> {
  await db.store.buildArtifacts.insert(sampleArtifact(run), lease);
  return completeBuild(db, run, lease);
}

describe('the steps of a build', () => {
  const stepOf = (service: string, index: number, over: Partial<BuildStep> = {}): BuildStep => ({
    service,
    attempt: 1,
    index,
    name: `[${index}/2] RUN make`,
    state: 'done',
    cacheReason: null,
    startedAt: at,
    completedAt: at,
    error: null,
    ...over,
  });

  it('are written as a whole per service and attempt, and read in order', async () => {
    const { run, lease } = await startedBuild(db, project);
    const running = stepOf('web', 1, { state: 'running', completedAt: null });
    const web = [stepOf('web', 1), stepOf('web', 2, { state: 'failed', error: 'exit code 1' })];
    const jobs = [stepOf('jobs', 1, { state: 'cached' })];

    await db.store.buildSteps.put(run, 'web', [running], lease);
    await db.store.buildSteps.put(run, 'web', web, lease);
    await db.store.buildSteps.put(run, 'jobs', jobs, lease);

    assert.deepEqual(await db.store.buildSteps.listOfRun(run.tenantId, run.id), [...jobs, ...web]);
    assert.deepEqual(await db.store.buildSteps.listOfRun(newId('org'), run.id), []);
    await end(run, lease);
  });

  it('are refused once the lease is gone, and of an attempt that is over', async () => {
    const { run, lease } = await startedBuild(db, project);
    const older = { ...run, attempt: 0 };

    await assert.rejects(db.store.buildSteps.put(older, 'web', [], lease), { code: 'record_changed' });
    await expireLease(db, lease);
    await assert.rejects(db.store.buildSteps.put(run, 'web', [], lease), { code: 'lease_lost' });

    await db.database.sql`update work set leased_until = now() + interval '1 minute' where id = ${lease.workId}`;
    const ended = await end(run, lease);
    await assert.rejects(db.store.buildSteps.put(ended, 'web', [], lease), { code: 'lease_lost' });
  });
});

describe('a run', () => {
  it('keeps limits, use, retries and its deadline', async () => {
    const { run, lease } = await startedBuild(db, project);
    const limits = { memoryBytes: 2 ** 31, cpus: 1.5, timeoutMs: 900_000 };
    const usage = { peakMemoryBytes: 5_000_000_000, cpuMs: 12.5, diskReadBytes: 0, diskWrittenBytes: 3 };

    await db.store.buildRuns.note({ ...run, limits, usage }, lease);
    const noted = await db.store.buildRuns.get(run.tenantId, run.id);
    const retried = { ...advanceBuildRun(noted, { type: 'retry' }, at), queueDeadlineAt: at };
    await db.store.buildRuns.update(retried, { was: 'building', event: 'retry', actor: 'worker', lease });

    assert.deepEqual(noted, { ...run, limits, usage });
    const read = await db.store.buildRuns.get(run.tenantId, run.id);
    assert.deepEqual(read, { ...noted, status: 'pending', phase: null, retries: 1, queueDeadlineAt: at });
    const again = advanceBuildRun(read, { type: 'start' }, at);
    await db.store.buildRuns.update(again, { was: 'pending', event: 'start', actor: 'worker', lease });
    await end(again, lease);
  });

  it('keeps who wanted its end, when and why', async () => {
    const { run, lease } = await startedBuild(db, project);

    const asked = await db.store.buildRuns.requestCancel(run.tenantId, run.id, 'token:ann', at, 'wrong branch');
    const twice = await db.store.buildRuns.requestCancel(run.tenantId, run.id, 'token:bob', new Date(), 'me too');

    assert.deepEqual(asked, {
      ...run,
      cancelRequestedAt: at,
      cancelRequestedBy: 'token:ann',
      cancelReason: 'wrong branch',
    });
    assert.deepEqual(twice, asked);
    const cancelled = advanceBuildRun(asked, { type: 'cancel' }, at);
    await db.store.transaction(async ({ buildRuns, queue }) => {
      await buildRuns.update(cancelled, { was: 'building', event: 'cancel', actor: 'worker', lease });
      await queue.settle(lease);
    });
  });

  it('is overdue when it still waits after its deadline', async () => {
    const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(project));
    const deadlines = [new Date(at.getTime() + 2000), new Date(at.getTime() + 1000), null];
    const runs = deadlines.map((queueDeadlineAt) => sampleRun(spec, { queueDeadlineAt }));
    for (const run of runs) await db.store.buildRuns.insert(run);
    const overdue = async (ms: number, limit = 10) =>
      (await db.store.buildRuns.overdue(new Date(at.getTime() + ms), limit)).map(({ id }) => id);

    assert.deepEqual(await overdue(999), []);
    assert.deepEqual(await overdue(1000), [runs[1]?.id]);
    assert.deepEqual(await overdue(5000), [runs[1]?.id, runs[0]?.id]);
    assert.deepEqual(await overdue(5000, 1), [runs[1]?.id]);

    for (const run of runs) await cancel(run);
    assert.deepEqual(await overdue(5000), []);
  });

  it('is compared with the last one before it that really built the services', async () => {
    const first = await finishedBuild(db, project, { services: null });
    const other = await finishedBuild(db, project, { services: ['jobs'] });
    const reuser = await startedBuild(db, project);
    await end({ ...reuser.run, reusedFrom: first.run.id }, reuser.lease);
    const rootfs = await startedBuild(db, project, { target: 'microvm_rootfs' });
    await end(rootfs.run, rootfs.lease);
    const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(project));
    const { lastCompleted } = db.store.buildRuns;

    assert.equal((await lastCompleted(spec, newId('brun')))?.id, first.run.id);
    assert.equal((await lastCompleted({ ...spec, services: ['jobs'] }, newId('brun')))?.id, other.run.id);
    assert.equal(await lastCompleted(spec, first.run.id), null);
    assert.equal(await lastCompleted({ ...spec, tenantId: newId('org') }, newId('brun')), null);
  });

  async function cancel(run: BuildRun): Promise<void> {
    const cancelled = advanceBuildRun(run, { type: 'cancel' }, at);
    await db.store.buildRuns.update(cancelled, { was: 'pending', event: 'cancel', actor: 'x', lease: null });
  }
});

describe('the list of builds', () => {
  const ids = async (page: Omit<Parameters<typeof db.store.buildSpecs.list>[2], 'limit'>) =>
    (await db.store.buildSpecs.list(project.tenantId, project.id, { limit: 50, ...page })).items.map(({ id }) => id);

  it('filters by the state of the newest run, verifications apart', async () => {
    const done = await finishedBuild(db, project);
    const failed = await finishedBuild(db, project);
    const again = sampleRun(failed.spec);
    await db.store.buildRuns.insert(again);
    const failure = buildFailure('build_error', 'no');
    await db.store.buildRuns.update(advanceBuildRun(again, { type: 'fail', failure }, at), {
      was: 'pending',
      event: 'fail',
      actor: 'x',
      lease: null,
    });
    const verifying = sampleRun(done.spec, { verifies: done.run.id });
    await db.store.buildRuns.insert(verifying);

    assert.deepEqual(await ids({ status: 'completed' }), [done.spec.id]);
    assert.deepEqual(await ids({ status: 'failed' }), [failed.spec.id]);
    assert.deepEqual(await ids({ status: 'pending' }), []);
    assert.deepEqual(await ids({ status: 'failed', gitSha: 'b'.repeat(40) }), []);
    const list = (page: { limit: number; cursor?: string; status?: 'completed' }) =>
      db.store.buildSpecs.list(project.tenantId, project.id, page);
    const first = await list({ limit: 1 });
    const second = await list({ limit: 1, cursor: first.nextCursor ?? '' });
    assert.deepEqual(
      [...first.items, ...second.items].map(({ id, lastStatus }) => [id, lastStatus]),
      [
        [failed.spec.id, 'failed'],
        [done.spec.id, 'completed'],
      ],
    );
    assert.equal(second.nextCursor, null);
    const page = await list({ limit: 1, status: 'completed' });
    assert.deepEqual([page.items, page.nextCursor], [[{ ...done.spec, lastStatus: 'completed' }], null]);

    const cancelled = advanceBuildRun(verifying, { type: 'cancel' }, at);
    await db.store.buildRuns.update(cancelled, { was: 'pending', event: 'cancel', actor: 'x', lease: null });
  });

  it('filters by service, where a build of all services counts, and by time', async () => {
    const insert = (over: Parameters<typeof sampleSpec>[1]) =>
      db.store.buildSpecs.insertOrGet(sampleSpec(project, over));
    const web = await insert({ services: ['web'], createdAt: new Date(Date.now() - 1000) });
    const all = await insert({ services: null, createdAt: new Date() });
    const both = await insert({ services: ['jobs', 'web'], createdAt: new Date() });

    assert.deepEqual(await ids({ service: 'jobs' }), [both.id, all.id]);
    assert.deepEqual(await ids({ service: 'web' }), [both.id, all.id, web.id]);
    assert.deepEqual(await ids({ service: 'web', since: all.createdAt }), [both.id, all.id]);
    assert.deepEqual(await ids({ since: new Date(Date.now() + 1000) }), []);
  });
});

describe('runs of one build that are started at once', () => {
  it('leave the last of them as the newest', async () => {
    const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(project));
    const runs = Array.from({ length: 8 }, () => sampleRun(spec));

    await Promise.all(runs.toReversed().map((run) => db.store.buildRuns.insert(run)));

    assert.equal((await db.store.buildRuns.latest(project.tenantId, spec.id))?.id, runs.at(-1)?.id);
    for (const run of runs) {
      const cancelled = advanceBuildRun(run, { type: 'cancel' }, at);
      await db.store.buildRuns.update(cancelled, { was: 'pending', event: 'cancel', actor: 'x', lease: null });
    }
  });
});
