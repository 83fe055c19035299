import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { advanceBuildRun, type BuildRun, type Project } from '@eve/domain';
import {
  at,
  completeBuild,
  digestOf,
  finishedBuild,
  newId,
  sampleArtifact,
  sampleOrganisation,
  samplePipelineRun,
  sampleProject,
  sampleRelease,
  sampleRun,
  sampleStep,
  startedBuild,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

describe('a build that is deleted', () => {
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

  const remove = (id: Parameters<typeof db.store.buildSpecs.delete>[1]) =>
    db.store.buildSpecs.delete(project.tenantId, id);
  const left = async () => (await db.store.buildSpecs.list(project.tenantId, project.id, { limit: 99 })).items;

  it('takes its runs, images and steps with it, and its number is not given again', async () => {
    const { spec, run, lease } = await startedBuild(db, project);
    const step = { service: 'web', attempt: 1, index: 1, name: 'RUN x', state: 'done', error: null } as const;
    await db.store.buildSteps.put(run, 'web', [{ ...step, cacheReason: null, startedAt: at, completedAt: at }], lease);
    await db.store.buildArtifacts.insert(sampleArtifact(run), lease);
    await completeBuild(db, run, lease);
    await verify(spec.id, run);

    await remove(spec.id);

    await assert.rejects(db.store.buildSpecs.get(project.tenantId, spec.id), { code: 'build_not_found' });
    await assert.rejects(db.store.buildRuns.get(project.tenantId, run.id), { code: 'build_run_not_found' });
    assert.deepEqual(await db.store.buildArtifacts.listOfRun(project.tenantId, run.id), []);
    assert.deepEqual(await db.store.buildSteps.listOfRun(project.tenantId, run.id), []);
    assert.ok((await db.store.transitions.list(project.tenantId, run.id)).length > 0);
    assert.equal((await finishedBuild(db, project)).spec.number, spec.number + 1);
    await assert.rejects(remove(spec.id), { code: 'build_not_found' });
  });

  it('is not found by another tenant', async () => {
    const { spec } = await finishedBuild(db, project);

    await assert.rejects(db.store.buildSpecs.delete(newId('org'), spec.id), { code: 'build_not_found' });
    assert.equal((await left()).length, 1);
  });

  it('stays while a run of it waits or is under way', async () => {
    const { spec, run, lease } = await startedBuild(db, project);

    await assert.rejects(remove(spec.id), { code: 'build_active', kind: 'conflict', message: new RegExp(run.id) });

    await db.store.buildArtifacts.insert(sampleArtifact(run), lease);
    await completeBuild(db, run, lease);
    await remove(spec.id);
    assert.deepEqual(await left(), []);
  });

  it('stays while a pipeline goes on with what it made', async () => {
    const { spec, run } = await finishedBuild(db, project);
    const pipeline = samplePipelineRun(project);
    const step = sampleStep(pipeline, { status: 'succeeded', subjectId: run.id, startedAt: at, completedAt: at });
    const next = sampleStep(pipeline, { index: 1, name: 'release', action: 'release' });
    await db.store.pipelineRuns.insert(pipeline, [step, next]);

    await assert.rejects(remove(spec.id), { code: 'build_active' });
    assert.deepEqual(await db.store.buildSpecs.prunable(project.tenantId, project.id, 0), []);

    const change = { actor: 'x', lease: null } as const;
    const cancelled = { completedAt: at, startedAt: at, status: 'cancelled' } as const;
    await db.store.pipelineRuns.updateStep({ ...next, ...cancelled }, { ...change, was: 'pending', event: 'cancel' });
    await db.store.pipelineRuns.update({ ...pipeline, ...cancelled }, { ...change, was: 'pending', event: 'cancel' });
    await remove(spec.id);
  });

  it('stays while a release names it or one of its images, and the answer names the releases', async () => {
    const { spec, artifact } = await finishedBuild(db, project);
    const other = await finishedBuild(db, project);
    const byBuild = sampleRelease(project, { buildId: spec.id, tag: 'v1.0.0', images: {} });
    const byDigest = sampleRelease(project, {
      tag: 'v2.0.0',
      images: { frontend: { image: artifact.image, digest: artifact.digests.digest, platforms: [] } },
    });
    for (const release of [byBuild, byDigest]) await db.store.releases.insert(release);

    await assert.rejects(remove(spec.id), { code: 'build_in_use', message: /v1\.0\.0, v2\.0\.0/ });

    await remove(other.spec.id);
    assert.deepEqual(
      (await left()).map(({ id }) => id),
      [spec.id],
    );
  });

  it('may go although a later build took its images over', async () => {
    const { spec, run } = await finishedBuild(db, project);
    const later = await startedBuild(db, project);
    await db.store.buildArtifacts.insert(sampleArtifact(later.run), later.lease);
    const reused = await completeBuild(db, { ...later.run, reusedFrom: run.id }, later.lease);

    await remove(spec.id);

    assert.deepEqual(await db.store.buildRuns.get(project.tenantId, reused.id), { ...reused, reusedFrom: null });
  });

  it('is proposed when it is beyond the newest, not under way and in no release', async () => {
    const builds = [];
    for (let index = 0; index < 5; index++) builds.push((await finishedBuild(db, project)).spec);
    const [oldest, released, third] = builds;
    const active = await startedBuild(db, project);
    await db.store.releases.insert(sampleRelease(project, { buildId: released?.id ?? null, images: {} }));
    const prunable = (keep: number) => db.store.buildSpecs.prunable(project.tenantId, project.id, keep);

    assert.deepEqual(await prunable(3), [oldest?.id, third?.id]);
    assert.deepEqual(await prunable(5), [oldest?.id]);
    assert.deepEqual(await prunable(6), []);
    assert.equal((await prunable(0)).length, 4);
    assert.deepEqual(await db.store.buildSpecs.prunable(newId('org'), project.id, 0), []);

    await db.store.buildArtifacts.insert(sampleArtifact(active.run), active.lease);
    await completeBuild(db, active.run, active.lease);
  });

  it('is the only way: plain SQL is refused', async () => {
    const { spec } = await finishedBuild(db, project);

    for (const statement of [
      `update build_specs set git_sha = null where id = '${spec.id}'`,
      `delete from build_specs where id = '${spec.id}'`,
      'truncate build_specs cascade',
      'truncate build_artifacts',
    ]) {
      await assert.rejects(db.pool.query(statement), /never change/);
    }
  });

  async function verify(buildId: BuildRun['buildId'], { id, tenantId, projectId }: BuildRun): Promise<void> {
    const run = sampleRun({ ...(await db.store.buildSpecs.get(tenantId, buildId)) }, { verifies: id });
    await db.store.buildRuns.insert(run);
    const found = digestOf('again');
    const verification = [{ service: 'web', platform: 'linux/amd64', expected: found, found }];
    const done = { ...advanceBuildRun(run, { type: 'complete' }, at), verification };
    await db.store.buildRuns.update(done, { was: 'pending', event: 'complete', actor: 'worker', lease: null });
    assert.equal((await db.store.buildRuns.latest(tenantId, buildId))?.id, id);
    assert.deepEqual(await db.store.buildRuns.get(tenantId, done.id), done);
    assert.equal(projectId, project.id);
  }
});
