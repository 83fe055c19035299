import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import { digestOf, sampleProject, testPlatform } from '../../testing/index.ts';
import { createOrganisation } from '../organisations/create-organisation.ts';
import { createBuild } from './create-build.ts';
import { startBuildRun } from './start-build-run.ts';

let db: TestDatabase;

before(async () => {
  db = await testDatabase();
});

after(() => db[Symbol.asyncDispose]());

describe('starting a build run', () => {
  it('takes the images of an equal one over at once', async () => {
    await using test = await testPlatform({}, db);
    const shop = await sampleProject(test);
    const commit = await shop.commit();
    const first = await shop.built(commit);

    const { run } = await shop.build(commit, { services: ['web'] });

    assert.equal(run.status, 'completed');
    assert.equal(run.reusedFrom, first.run.id);
    const artifacts = await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id);
    assert.deepEqual(
      artifacts.map(({ digests }) => digests.digest),
      [digestOf(`web ${first.run.id}`)],
    );
    const prefix = await test.platform.registryLogins.check(
      run.projectId,
      test.registry.inspected.at(-1)?.login?.password ?? '',
      new Date(),
    );
    assert.equal(prefix?.prefix, 'acme/shop/');
  });

  it('builds anew when that is asked for', async () => {
    await using test = await testPlatform({}, db);
    const shop = await sampleProject(test);
    const commit = await shop.commit();
    await shop.built(commit);

    const { run } = await shop.built(commit, { inputs: { forceRebuild: true } });

    assert.equal(run.reusedFrom, null);
    assert.equal(run.status, 'completed');
    assert.ok(test.builder.plans.at(-1)?.noCache);
  });

  it('builds anew when the operator wants no reuse', async () => {
    await using test = await testPlatform({ buildReuse: false }, db);
    const shop = await sampleProject(test);
    const commit = await shop.commit();
    await shop.built(commit);

    const { run } = await shop.build(commit);
    await test.work();

    assert.equal(run.status, 'pending');
  });

  it('builds anew when an image has gone from the registry', async () => {
    await using test = await testPlatform({}, db);
    const shop = await sampleProject(test);
    const commit = await shop.commit();
    const first = await shop.built(commit);
    test.registry.lose(digestOf(`jobs ${first.run.id}`));

    const { run } = await shop.built(commit);

    assert.equal(run.reusedFrom, null);
    assert.equal(run.status, 'completed');
  });

  it('refuses a backend that is not set up, and an engine shared between organisations', async () => {
    await using test = await testPlatform({ sharedEngine: true }, db);
    const shop = await sampleProject(test);
    const spec = await createBuild(test.platform, shop.caller, shop.project.id, await shop.commit());

    await assert.rejects(startBuildRun(test.platform, shop.caller, { buildId: spec.id, backend: 'kaniko' }), {
      code: 'engine_capability_missing',
      message: /"kaniko".*buildx/,
    });
    await createOrganisation(test.platform, { ...shop.caller, operator: true }, { name: 'Second' });
    await assert.rejects(startBuildRun(test.platform, shop.caller, { buildId: spec.id }), { code: 'engine_shared' });
  });

  for (const failpoint of [
    'after-claim',
    'in-clone',
    'after-checkout',
    'in-build',
    'after-push',
    'before-complete',
  ] as const) {
    it(`happens once when its worker dies ${failpoint}`, async () => {
      await using test = await testPlatform({}, db);
      const shop = await sampleProject(test);
      const { run } = await shop.build(await shop.commit());
      await test.killAt('build', failpoint);

      await test.work();

      const ended = await test.platform.store.buildRuns.get(run.tenantId, run.id);
      assert.equal(ended.status, 'completed');
      assert.equal(ended.attempt, failpoint === 'after-claim' ? 1 : 2);
      assert.equal((await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id)).length, 2);
      assert.equal(test.builder.running.size, 0);
      const history = await test.platform.store.transitions.list(run.tenantId, run.id);
      assert.equal(history.filter(({ to }) => to === 'completed').length, 1);
    });
  }

  it('stops what a lost worker left running before the next attempt', async () => {
    await using test = await testPlatform({}, db);
    const shop = await sampleProject(test);
    const { run } = await shop.build(await shop.commit());
    await test.killAt('build', 'after-checkout');
    test.builder.running.add(`${run.id}-1-web`);

    await test.work();

    assert.ok(test.builder.stopped.includes(`${run.id}-1-web`));
    const attempts = (await test.platform.logs.read(run, {})).map(({ attempt }) => attempt);
    assert.deepEqual([...new Set(attempts)], [1, 2]);
  });
});
