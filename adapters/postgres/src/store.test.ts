import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApiToken, advancePipelineRun, advanceStep, type Project } from '@eve/domain';
import type { ManifestRecord } from '@eve/operations';
import {
  at,
  digestOf,
  hashOf,
  leaseFor,
  newId,
  ownedBy,
  sampleOrganisation,
  samplePipelineRun,
  sampleProject,
  sampleRelease,
  sampleSecret,
  sampleStep,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

describe('the store', () => {
  let db: TestDatabase;
  let project: Project;
  let stranger: Project;

  before(async () => {
    db = await testDatabase();
    const [organisation, other] = [sampleOrganisation({ slug: 'acme', tier: 'dedicated' }), sampleOrganisation()];
    [project, stranger] = [sampleProject(organisation, { slug: 'shop' }), sampleProject(other)];
    for (const one of [organisation, other]) await db.store.organisations.insert(one);
    for (const one of [project, stranger]) await db.store.projects.insert(one);
  });
  after(() => db[Symbol.asyncDispose]());

  it('keeps organisations and projects, and refuses a slug twice', async () => {
    const { organisations, projects } = db.store;

    assert.equal((await organisations.findBySlug('acme'))?.id, project.tenantId);
    assert.equal(await organisations.count(), 2);
    assert.equal((await organisations.list({ limit: 1 })).items.length, 1);
    await assert.rejects(organisations.insert(sampleOrganisation({ slug: 'acme' })), { code: 'organisation_exists' });
    await assert.rejects(organisations.get('org_none'), { code: 'organisation_not_found' });
    const twin = sampleProject({ id: project.tenantId }, { slug: 'shop' });
    await assert.rejects(projects.insert(twin), { code: 'project_exists' });
    await projects.insert(sampleProject({ id: stranger.tenantId }, { slug: 'shop' }));
    await assert.rejects(projects.get(stranger.tenantId, project.id), { code: 'project_not_found' });
    await projects.update({ ...project, branch: 'trunk' });
    assert.deepEqual(await projects.findBySlug(project.tenantId, 'shop'), { ...project, branch: 'trunk' });
  });

  it('finds a token by its hash until and after it is revoked', async () => {
    const token: ApiToken = {
      id: newId('tok'),
      tenantId: project.tenantId,
      name: 'ci',
      hash: hashOf('token'),
      scopes: ['read', 'build'],
      projectId: project.id,
      createdAt: at,
      expiresAt: null,
      revokedAt: null,
    };
    await db.store.tokens.insert(token);
    const found = await db.store.tokens.findByHash(token.hash);

    await db.store.tokens.revoke(token.tenantId, token.id, at);

    assert.deepEqual(found, token);
    assert.deepEqual(await db.store.tokens.get(token.tenantId, token.id), { ...token, revokedAt: at });
    await assert.rejects(db.store.tokens.revoke(stranger.tenantId, token.id, at), { code: 'token_not_found' });
  });

  it('stores a manifest once and every commit it was synced for', async () => {
    const { manifests } = db.store;
    const manifest = (): ManifestRecord => ({
      id: newId('mnfst'),
      ...ownedBy(project),
      hash: hashOf('yaml'),
      yaml: 'services: {}\n',
      createdAt: at,
    });
    const later = new Date(at.getTime() + 1000);

    const first = await manifests.sync(manifest(), 'a'.repeat(40), 'main', at);
    const second = await manifests.sync(manifest(), 'b'.repeat(40), null, later);
    await manifests.sync(manifest(), 'b'.repeat(40), 'main', later);
    await manifests.sync(manifest(), null, null, at);

    const { tenantId, projectId, hash } = first;
    assert.deepEqual(second, first);
    assert.deepEqual(await manifests.findByHash(tenantId, projectId, hash), first);
    assert.deepEqual(await manifests.shasOf(tenantId, projectId, hash), ['b'.repeat(40), 'a'.repeat(40)]);
    assert.deepEqual(await manifests.findForSha(tenantId, projectId, 'a'.repeat(40)), first);
    assert.deepEqual(await manifests.latest(tenantId, projectId), {
      manifest: first,
      gitSha: 'b'.repeat(40),
      branch: 'main',
      syncedAt: later,
    });
    assert.equal(await manifests.findByHash(stranger.tenantId, projectId, hash), null);
  });

  it('makes versions of a secret, and revokes them with it', async () => {
    const { secrets } = db.store;
    const first = sampleSecret(project, 'TOKEN');
    const second = sampleSecret(project, 'TOKEN');
    await secrets.put(first.secret, first.version);
    await secrets.put(second.secret, second.version);

    const found = await secrets.find(project.tenantId, project.id, 'TOKEN');
    assert.equal(found?.secret.id, first.secret.id);
    assert.deepEqual(found?.version, { ...second.version, secretId: first.secret.id });
    assert.equal(await secrets.find(project.tenantId, null, 'TOKEN'), null);
    assert.equal(await secrets.find(stranger.tenantId, project.id, 'TOKEN'), null);
    assert.equal((await secrets.list(project.tenantId, project.id, { limit: 9 })).items.length, 1);

    await secrets.delete(project.tenantId, project.id, 'TOKEN', at);

    assert.equal(await secrets.find(project.tenantId, project.id, 'TOKEN'), null);
    assert.deepEqual((await secrets.findVersion(project.tenantId, first.version.id))?.revokedAt, at);
    await assert.rejects(secrets.delete(project.tenantId, project.id, 'TOKEN', at), { code: 'secret_not_found' });
    await secrets.put(second.secret, { ...second.version, id: newId('sver') });
  });

  it('keeps the scopes of secrets apart', async () => {
    const { secret, version } = sampleSecret(project, 'SHARED');
    const shared = sampleSecret(project, 'SHARED');
    await db.store.secrets.put(secret, version);
    await db.store.secrets.put({ ...shared.secret, projectId: null }, shared.version);

    assert.equal((await db.store.secrets.find(project.tenantId, project.id, 'SHARED'))?.secret.id, secret.id);
    assert.equal((await db.store.secrets.find(project.tenantId, null, 'SHARED'))?.secret.id, shared.secret.id);
  });

  it('gives a tag once per project, and lets the transaction that asked go on', async () => {
    const { releases } = db.store;
    const release = sampleRelease(project, { tag: 'v1.0.0', version: '1.0.0' });
    await releases.insert(release);
    const untagged = sampleRelease(project);

    await db.store.transaction(async (inside) => {
      await inside.releases.lockVersions(project.id);
      const twin = sampleRelease(project, { tag: 'v1.0.0' });
      await assert.rejects(inside.releases.insert(twin), { code: 'release_tag_taken' });
      await inside.releases.insert(untagged);
    });

    assert.deepEqual(await releases.findByTag(project.tenantId, project.id, 'v1.0.0'), release);
    assert.deepEqual(await releases.findAllByTag(project.tenantId, 'v1.0.0'), [release]);
    assert.deepEqual(await releases.findAllByTag(stranger.tenantId, 'v1.0.0'), []);
    assert.deepEqual(await releases.versions(project.tenantId, project.id), [
      { version: '1.0.0', gitSha: release.gitSha },
    ]);
    assert.deepEqual((await releases.list(project.tenantId, project.id, { limit: 1 })).items, [untagged]);
    await assert.rejects(releases.get(stranger.tenantId, release.id), { code: 'release_not_found' });
  });

  it('finds an equal release by sha, manifest and digests', async () => {
    const image = { image: { registry: 'eve', repository: 'acme/shop/api' }, digest: digestOf('api'), platforms: [] };
    const release = sampleRelease(project, { images: { api: image } });
    await db.store.releases.insert(release);
    const { findEqual } = db.store.releases;

    assert.equal((await findEqual(sampleRelease(project, { images: { api: image } })))?.id, release.id);
    assert.equal(await findEqual({ ...release, images: { api: { ...image, digest: digestOf('other') } } }), null);
    assert.equal(await findEqual({ ...release, gitSha: null }), null);
    assert.equal(await findEqual({ ...release, manifestHash: hashOf('other') }), null);
  });

  it('carries a pipeline run and its steps from state to state', async () => {
    const run = samplePipelineRun(project);
    const subjectId = newId('brun');
    const [build, deploy] = [sampleStep(run), sampleStep(run, { index: 1, name: 'deploy', dependsOn: ['build'] })];
    await db.store.pipelineRuns.insert(run, [build, deploy]);
    const lease = await leaseFor(db, 'advance-pipeline-run', run);
    const running = advanceStep(build, 'start', at, { subjectId });
    const done = advanceStep(running, 'succeed', at, { output: { build_id: 'bld_1' } });
    const skipped = advanceStep(deploy, 'skip', at);
    const { pipelineRuns } = db.store;

    const started = advancePipelineRun(run, 'start', at);
    await pipelineRuns.update(started, { was: 'pending', event: 'start', actor: 'w', lease });
    await pipelineRuns.updateStep(running, { was: 'pending', event: 'start', actor: 'w', lease });
    const found = await pipelineRuns.findStepBySubject(run.tenantId, subjectId);
    await db.store.transaction(async (inside) => {
      await inside.pipelineRuns.updateStep(done, { was: 'running', event: 'succeed', actor: 'w', lease });
      await inside.pipelineRuns.updateStep(skipped, { was: 'pending', event: 'skip', actor: 'w', lease });
      const succeeded = advancePipelineRun(started, 'succeed', at);
      await inside.pipelineRuns.update(succeeded, { was: 'running', event: 'succeed', actor: 'w', lease });
      await inside.queue.settle(lease);
    });

    assert.deepEqual(found, running);
    assert.deepEqual(await pipelineRuns.steps(run.tenantId, run.id), [done, skipped]);
    assert.equal((await pipelineRuns.get(run.tenantId, run.id)).status, 'succeeded');
    assert.equal(await pipelineRuns.findStepBySubject(run.tenantId, subjectId), null);
    assert.deepEqual(await pipelineRuns.unfinished(), []);
    const list = (status: 'succeeded' | 'failed') =>
      pipelineRuns.list(run.tenantId, project.id, { limit: 9, status, pipeline: 'deploy' });
    assert.equal((await list('succeeded')).items.length, 1);
    assert.equal((await list('failed')).items.length, 0);
    await assert.rejects(pipelineRuns.getStep(stranger.tenantId, build.id), { code: 'pipeline_run_not_found' });
  });

  it('keeps an answer for a repeated request', async () => {
    const { begin, finish } = db.store.idempotency;
    const ask = (hash: string, when = at) => begin(project.tenantId, 'POST /builds', 'key', hash, when);
    const answer = { requestHash: 'one', status: 201, body: '{}' };

    const asked = await Promise.all([ask('one'), ask('one'), ask('one')]);
    await finish(project.tenantId, 'POST /builds', 'key', answer);

    assert.deepEqual(asked.sort(), ['new', 'running', 'running']);
    assert.deepEqual(await ask('one'), answer);
    assert.equal(await ask('two'), 'other_body');
    assert.equal(await begin(stranger.tenantId, 'POST /builds', 'key', 'two', at), 'new');
    assert.equal(await ask('two', new Date(at.getTime() + 25 * 3_600_000)), 'new');
    await finish(project.tenantId, 'POST /builds', 'key', null);
    assert.equal(await ask('three', new Date(at.getTime() + 25 * 3_600_000)), 'new');
  });

  it('writes all of a transaction or nothing', async () => {
    const lost = sampleProject({ id: project.tenantId });

    await assert.rejects(
      db.store.transaction(async ({ projects }) => {
        await projects.insert(lost);
        throw new Error('given up');
      }),
      /given up/,
    );

    await assert.rejects(db.store.projects.get(project.tenantId, lost.id), { code: 'project_not_found' });
  });

  it('does not report a transaction as done in which a statement failed unnoticed', async () => {
    const lost = sampleProject({ id: project.tenantId });

    await assert.rejects(
      db.store.transaction(async ({ projects, releases }) => {
        await projects.insert(lost);
        await releases.insert(sampleRelease({ ...lost, id: 'proj_none' })).catch(() => {});
      }),
      /rolled back/,
    );
  });
});
