import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advanceBuildRun, buildFailure } from '@eve/domain';
import {
  at,
  checkInvariants,
  sampleOrganisation,
  sampleProject,
  sampleRun,
  sampleSpec,
  testDatabase,
} from './index.ts';

describe('the invariants', () => {
  it('hold for an empty database', async () => {
    await using db = await testDatabase();

    assert.deepEqual(await checkInvariants(db.pool), []);
  });

  it('name what nothing will advance', async () => {
    await using db = await testDatabase({ invariants: false });
    const { run } = await pendingRun(db);

    assert.deepEqual(await checkInvariants(db.pool), [
      `3. something will advance what is not finished of build_runs: ${run.id}`,
    ]);
  });

  it('name a run that is complete without an artifact', async () => {
    await using db = await testDatabase({ invariants: false });
    const { run } = await pendingRun(db);
    const completed = advanceBuildRun(run, { type: 'complete' }, at);
    await db.store.buildRuns.update(completed, { was: 'pending', event: 'complete', actor: 'x', lease: null });

    assert.deepEqual(await checkInvariants(db.pool), [
      `7. a completed run has an artifact for each requested service: ${run.id}`,
    ]);
  });

  it('name a state that the history does not lead to', async () => {
    await using db = await testDatabase({ invariants: false });
    const { run } = await pendingRun(db);
    await db.pool.query(
      "update build_runs set status = 'cancelled', started_at = created_at, completed_at = created_at",
    );

    assert.deepEqual(await checkInvariants(db.pool), [
      `2. a state changes only along its table: build_run ${run.id} is cancelled, but its history ends in pending`,
    ]);
  });

  it('name a step that is not in the table', async () => {
    await using db = await testDatabase({ invariants: false });
    const { run } = await pendingRun(db);
    const failure = buildFailure('build_error', '');
    const failed = { ...run, status: 'failed', failure, startedAt: at, completedAt: at } as const;
    const cancel = { was: 'pending', event: 'cancel', actor: 'x', lease: null } as const;
    await db.store.buildRuns.update(advanceBuildRun(run, { type: 'cancel' }, at), cancel);
    await db.pool.query('alter table build_runs disable trigger finished');
    await db.store.buildRuns.update(failed, { ...cancel, was: 'cancelled' });

    assert.deepEqual(await checkInvariants(db.pool), [
      `2. a state changes only along its table: build_run ${run.id} went from cancelled to failed by cancel`,
    ]);
  });

  it('name numbers with gaps, and triggers that are switched off', async () => {
    await using db = await testDatabase({ invariants: false });
    const { project } = await pendingRun(db, { queued: true });
    await db.pool.query('alter table build_specs disable trigger immutable');
    await db.pool.query('update build_specs set number = 5');

    assert.deepEqual(await checkInvariants(db.pool), [
      '1. the database refuses changes: build_specs',
      `1. numbers of build_specs are without gaps, but for those that were deleted: ${project.id}`,
    ]);
  });

  it('name what is wrong with builds', async () => {
    await using db = await testDatabase({ invariants: false });
    const { run } = await pendingRun(db, { queued: true });
    await db.pool.query('update build_runs set retries = 4, usage = $1, verification = $2', [{ cpuMs: -1 }, '[]']);
    await db.pool.query('update build_heads set run_id = null');
    await db.pool.query(`insert into build_steps select tenant_id, project_id, id, 'web', 2, '[]' from build_runs`);

    assert.deepEqual(await checkInvariants(db.pool), [
      `2. steps belong to attempts that began: ${run.id} 2`,
      `2. a run is tried again by itself at most 3 times, each as a new attempt: ${run.id}`,
      `2. the list of builds knows each by its services and its newest run, verifications apart: ${run.buildId}`,
      `2. what a run used and may use is not negative: ${run.id}`,
      `7. a verification makes no images, and what it found is known once it is complete: ${run.id}`,
    ]);
  });

  it('name a lane that counts wrongly', async () => {
    await using db = await testDatabase({ invariants: false });
    const { project } = await pendingRun(db, { queued: true });
    await db.pool.query('update lanes set running = 1');

    assert.deepEqual(await checkInvariants(db.pool), [`5. a lane counts what it runs: ${project.tenantId} build`]);
  });

  it('are checked when a test database is disposed of', async () => {
    const db = await testDatabase();
    await pendingRun(db);

    await assert.rejects(async () => db[Symbol.asyncDispose](), /Invariants are broken:\n3\./);
  });
});

async function pendingRun(
  { store }: Awaited<ReturnType<typeof testDatabase>>,
  { queued = false }: { queued?: boolean } = {},
) {
  const organisation = sampleOrganisation();
  const project = sampleProject(organisation);
  await store.organisations.insert(organisation);
  await store.projects.insert(project);
  const run = sampleRun(await store.buildSpecs.insertOrGet(sampleSpec(project)));
  await store.buildRuns.insert(run);
  const { id, tenantId, projectId } = run;
  if (queued) {
    await store.queue.add({ kind: 'execute-build-run', id, tenantId, projectId, class: 'build', version: 1 });
  }
  return { project, run };
}
