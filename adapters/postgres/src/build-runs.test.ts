import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { advanceBuildRun, type BuildRun, buildFailure, type Project } from '@eve/domain';
import type { Lease } from '@eve/operations';
import {
  at,
  completeBuild,
  digestOf,
  expireLease,
  sampleArtifact,
  sampleOrganisation,
  sampleProject,
  sampleRun,
  sampleSpec,
  startedBuild,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

describe('build specs, runs and artifacts', () => {
  let db: TestDatabase;
  let project: Project;
  let stranger: Project;

  before(async () => {
    db = await testDatabase();
    const [organisation, other] = [sampleOrganisation({ tier: 'dedicated' }), sampleOrganisation()];
    [project, stranger] = [sampleProject(organisation), sampleProject(other)];
    for (const one of [organisation, other]) await db.store.organisations.insert(one);
    for (const one of [project, stranger]) await db.store.projects.insert(one);
  });
  after(() => db[Symbol.asyncDispose]());

  const startedRun = (over: Parameters<typeof sampleSpec>[1] = {}) => startedBuild(db, project, over);
  const complete = (run: BuildRun, lease: Lease) => completeBuild(db, run, lease);

  it('numbers specs without gaps, also when they come at once and one of them twice', async () => {
    const own = sampleProject({ id: project.tenantId });
    await db.store.projects.insert(own);
    const specs = Array.from({ length: 12 }, () => sampleSpec(own));
    const again = { ...sampleSpec(own), specKey: specs[0]?.specKey ?? '' };

    const stored = await Promise.all([...specs, again].map((spec) => db.store.buildSpecs.insertOrGet(spec)));

    assert.deepEqual(
      [...new Set(stored.map(({ number }) => number))].sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
    assert.equal(stored[0]?.id, stored[12]?.id);
  });

  it('reads a spec as it was written', async () => {
    const spec = sampleSpec(project, {
      inputs: { buildArgs: { A: '1' }, platforms: ['linux/amd64'] },
      registry: 'none',
      cache: { disabled: true },
      services: null,
    });

    const { number, ...stored } = await db.store.buildSpecs.insertOrGet(spec);

    assert.deepEqual(stored, spec);
    assert.deepEqual(await db.store.buildSpecs.get(project.tenantId, spec.id), { ...spec, number });
  });

  it('never changes a spec or an artifact', async () => {
    const { run, lease } = await startedRun();
    await db.store.buildArtifacts.insert(sampleArtifact(run), lease);

    for (const statement of [
      'update build_specs set target = $1',
      'delete from build_specs where target <> $1',
      'update build_artifacts set service_name = $1',
      'update transitions set event = $1',
      'delete from transitions where event <> $1',
    ]) {
      await assert.rejects(db.pool.query(statement, ['microvm_rootfs']), /never change/);
    }
    await assert.rejects(db.pool.query('truncate transitions'), /never change/);
    await complete(run, lease);
  });

  it('hides builds and runs of another tenant', async () => {
    const { spec, run, lease } = await startedRun();
    await db.store.buildArtifacts.insert(sampleArtifact(run), lease);
    await complete(run, lease);
    const { buildSpecs, buildRuns, buildArtifacts } = db.store;

    await assert.rejects(buildSpecs.get(stranger.tenantId, spec.id), { code: 'build_not_found' });
    await assert.rejects(buildRuns.get(stranger.tenantId, run.id), { code: 'build_run_not_found' });
    assert.deepEqual((await buildSpecs.list(stranger.tenantId, project.id, { limit: 10 })).items, []);
    assert.deepEqual((await buildRuns.list(stranger.tenantId, spec.id, { limit: 10 })).items, []);
    assert.deepEqual(await buildArtifacts.listOfRun(stranger.tenantId, run.id), []);
    await assert.rejects(buildRuns.requestCancel(stranger.tenantId, run.id, 'x', at), { code: 'build_run_not_found' });
  });

  it('refuses a run whose tenant is not the one of its build', async () => {
    const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(project));

    await assert.rejects(db.store.buildRuns.insert(sampleRun(spec, { tenantId: stranger.tenantId })), {
      code: 'build_not_found',
    });
  });

  it('keeps a run through its life, with the history of its states', async () => {
    const { run, lease } = await startedRun();
    await db.store.buildRuns.note({ ...run, phase: 'downloading', runnerRef: 'runner', notes: ['no cache'] }, lease);
    const failure = buildFailure('build_error', 'RUN failed with exit code 2', { tail: ['boom'] });

    const noted = await db.store.buildRuns.get(run.tenantId, run.id);
    const failed = advanceBuildRun(noted, { type: 'fail', failure }, at);
    await db.store.transaction(async ({ buildRuns, queue }) => {
      await buildRuns.update(failed, { was: 'building', event: 'fail', actor: 'worker', lease });
      await queue.settle(lease);
    });

    assert.equal(noted.phase, 'downloading');
    assert.deepEqual(await db.store.buildRuns.get(run.tenantId, run.id), failed);
    const history = await db.store.transitions.list(run.tenantId, run.id);
    assert.deepEqual(
      history.map(({ from, to, event }) => [from, to, event]),
      [
        [null, 'pending', 'create'],
        ['pending', 'building', 'start'],
        ['building', 'failed', 'fail'],
      ],
    );
  });

  it('refuses every write of an executing operation once its lease is gone', async () => {
    const { run, lease } = await startedRun();
    await expireLease(db, lease);
    const completed = advanceBuildRun(run, { type: 'complete' }, at);

    const change = { was: 'building', event: 'complete', actor: 'worker', lease } as const;
    await assert.rejects(db.store.buildRuns.update(completed, change), { code: 'lease_lost' });
    await assert.rejects(db.store.buildRuns.note(run, lease), { code: 'lease_lost' });
    await assert.rejects(db.store.buildArtifacts.insert(sampleArtifact(run), lease), { code: 'lease_lost' });
    const older = { ...change, lease: { ...lease, fence: lease.fence - 1 } };
    await assert.rejects(db.store.buildRuns.update(completed, older), { code: 'lease_lost' });

    assert.deepEqual(await db.store.buildRuns.get(run.tenantId, run.id), run);
    await db.database.sql`update work set leased_until = now() + interval '1 minute' where id = ${lease.workId}`;
    await db.store.buildArtifacts.insert(sampleArtifact(run), lease);
    await complete(run, lease);
  });

  it('tells a changed run apart from a lost lease', async () => {
    const { run, lease } = await startedRun();
    const again = advanceBuildRun({ ...run, status: 'pending' }, { type: 'start' }, at);

    const change = { was: 'pending', event: 'start', actor: 'worker', lease } as const;
    await assert.rejects(db.store.buildRuns.update(again, change), { code: 'record_changed' });

    await db.store.buildArtifacts.insert(sampleArtifact(run), lease);
    await complete(run, lease);
  });

  it('lets only one of two writers leave a state', async () => {
    const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(project));
    const run = sampleRun(spec);
    await db.store.buildRuns.insert(run);
    const cancelled = advanceBuildRun(run, { type: 'cancel' }, at);
    const change = { was: 'pending', event: 'cancel', actor: 'someone', lease: null } as const;

    const answers = await Promise.allSettled([1, 2, 3, 4].map(() => db.store.buildRuns.update(cancelled, change)));

    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await db.store.transitions.list(run.tenantId, run.id)).length, 2);
  });

  it('does not complete a run whose end was asked for', async () => {
    const { run, lease } = await startedRun();
    const asked = await db.store.buildRuns.requestCancel(run.tenantId, run.id, 'token:sample', at);
    const completed = advanceBuildRun(run, { type: 'complete' }, at);

    const change = { was: 'building', event: 'complete', actor: 'worker', lease } as const;
    await assert.rejects(db.store.buildRuns.update(completed, change), { code: 'record_changed' });
    const cancelled = advanceBuildRun(asked, { type: 'cancel' }, at);
    await db.store.transaction(async ({ buildRuns, queue }) => {
      await buildRuns.update(cancelled, { was: 'building', event: 'cancel', actor: 'worker', lease });
      await queue.settle(lease);
    });

    assert.deepEqual(asked.cancelRequestedAt, at);
    assert.equal((await db.store.buildRuns.requestCancel(run.tenantId, run.id, 'late', at)).status, 'cancelled');
  });

  it('refuses to reopen what is finished, also by plain SQL', async () => {
    const { run, lease } = await startedRun();
    await db.store.buildArtifacts.insert(sampleArtifact(run), lease);
    await complete(run, lease);

    const reopen = `update build_runs set status = 'building', completed_at = null where id = $1`;
    await assert.rejects(db.pool.query(reopen, [run.id]), /is finished/);
    const halfway = `update build_runs set completed_at = null where id = $1`;
    await assert.rejects(db.pool.query(halfway, [run.id]));
  });

  it('keeps one artifact per run and service', async () => {
    const { run, lease } = await startedRun();
    const artifact = sampleArtifact(run);
    await db.store.buildArtifacts.insert(artifact, lease);
    await db.store.buildArtifacts.insert({ ...artifact, id: 'bart_other' }, lease);
    const other = { ...artifact, digests: { digest: digestOf('other'), platforms: [] } };

    await assert.rejects(db.store.buildArtifacts.insert(other, lease), { code: 'record_changed' });

    assert.deepEqual(await db.store.buildArtifacts.listOfRun(run.tenantId, run.id), [artifact]);
    await complete(run, lease);
  });

  it('finds artifacts by build, commit, tag', async () => {
    const gitSha = 'b'.repeat(40);
    const { spec, run, lease } = await startedRun({ source: { kind: 'git', sha: gitSha }, gitSha });
    const artifact = sampleArtifact(run, { tags: ['local', 'v1.2.3'] });
    await db.store.buildArtifacts.insert(artifact, lease);
    const { buildArtifacts } = db.store;
    const before = await buildArtifacts.findComplete(run.tenantId, project.id, gitSha, spec.manifestHash ?? '');

    await complete(run, lease);

    assert.equal(before, null);
    assert.deepEqual(await buildArtifacts.listOfBuild(run.tenantId, spec.id), [artifact]);
    assert.deepEqual(await buildArtifacts.findByTag(run.tenantId, project.id, 'v1.2.3'), [artifact]);
    assert.deepEqual(await buildArtifacts.tagsBeginning(run.tenantId, project.id, 'v1.'), ['v1.2.3']);
    assert.deepEqual(await buildArtifacts.tagsBeginning(run.tenantId, project.id, 'v1_'), []);
    assert.deepEqual(await buildArtifacts.tagsBeginning('org_other', project.id, 'v1.'), []);
    const found = await buildArtifacts.findComplete(run.tenantId, project.id, gitSha, spec.manifestHash ?? '');
    assert.deepEqual(found, { buildId: spec.id, artifacts: [artifact] });
  });

  it('finds a run to reuse only when all that shapes the image is equal', async () => {
    const own = { source: { kind: 'git', sha: 'c'.repeat(40) }, gitSha: 'c'.repeat(40) } as const;
    const inputs = { buildArgs: { A: '1' }, tag: 'one' };
    const { spec, run, lease } = await startedRun({ ...own, inputs, services: ['api', 'web'] });
    for (const serviceName of ['api', 'web']) {
      await db.store.buildArtifacts.insert({ ...sampleArtifact(run), id: `bart_${serviceName}`, serviceName }, lease);
    }
    const wanted = { ...spec, services: ['web'], inputs: { ...inputs, tag: 'two', timeoutMs: 5 } };
    const find = async (over: object) => (await db.store.buildRuns.findReusable({ ...wanted, ...over }))?.id ?? null;
    const unfinished = await find({});

    await complete(run, lease);

    assert.equal(unfinished, null);
    assert.equal(await find({}), run.id);
    assert.equal(await find({ services: null }), null);
    assert.equal(await find({ services: ['worker'] }), null);
    assert.equal(await find({ inputs: { buildArgs: { A: '2' } } }), null);
    assert.equal(await find({ registry: 'none' }), null);
    assert.equal(await find({ manifestHash: null }), null);
    assert.equal(await find({ tenantId: stranger.tenantId }), null);
  });

  it('lists newest first, page by page, and filters', async () => {
    const own = sampleProject({ id: project.tenantId });
    await db.store.projects.insert(own);
    const specs = [];
    for (let index = 0; index < 5; index++) {
      const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(own, { gitSha: `${index}`.repeat(40) }));
      specs.unshift({ ...spec, lastStatus: null });
    }
    const list = (page: Parameters<typeof db.store.buildSpecs.list>[2]) =>
      db.store.buildSpecs.list(own.tenantId, own.id, page);

    const first = await list({ limit: 2 });
    const second = await list({ limit: 2, cursor: first.nextCursor ?? '' });
    const third = await list({ limit: 2, cursor: second.nextCursor ?? '' });

    assert.deepEqual([...first.items, ...second.items, ...third.items], specs);
    assert.equal(third.nextCursor, null);
    assert.deepEqual((await list({ limit: 2, offset: 3 })).items, specs.slice(3));
    assert.deepEqual((await list({ limit: 9, gitSha: '3'.repeat(40) })).items, [specs[1]]);
    assert.deepEqual((await list({ limit: 9, status: 'pending' })).items, []);
    await assert.rejects(list({ limit: 2, cursor: 'nonsense' }), { code: 'request_invalid' });
    await assert.rejects(list({ limit: 2, offset: 10_001 }), { code: 'request_invalid' });
  });
});
