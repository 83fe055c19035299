import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import {
  digestOf,
  digestsOf,
  type SampleProject,
  sampleProject,
  type TestPlatform,
  testPlatform,
} from '../../testing/index.ts';
import { verifyBuild } from './verify-build.ts';

let db: TestDatabase;
let test: TestPlatform;
let shop: SampleProject;
const digest = digestOf('the same');

before(async () => {
  db = await testDatabase();
});

after(() => db[Symbol.asyncDispose]());

beforeEach(async () => {
  test = await testPlatform({}, db);
  shop = await sampleProject(test);
  test.builder.script.web = { digest };
});

afterEach(() => test[Symbol.asyncDispose]());

async function verified(buildId: `bld_${string}`) {
  const run = await verifyBuild(test.platform, shop.caller, { buildId });
  await test.work();
  return test.platform.store.buildRuns.get(run.tenantId, run.id);
}

const commit = () => shop.commit('services:\n  web: { build: { context: web } }\n');
const manifestOf = (of: string) => digestsOf(of).platforms[0]?.manifest ?? '';

describe('verifying a build', () => {
  it('builds again without cache and name, and completes when every manifest is the same', async () => {
    const { spec, run } = await shop.built(await commit());

    const again = await verified(spec.id);

    assert.equal(again.status, 'completed');
    assert.equal(again.verifies, run.id);
    assert.deepEqual(again.verification, [
      { service: 'web', platform: 'linux/amd64', expected: manifestOf(digest), found: manifestOf(digest) },
    ]);
    const plan = test.builder.plans.at(-1);
    assert.deepEqual([plan?.output, plan?.noCache, plan?.cacheFrom], ['push-by-digest', true, []]);
    assert.deepEqual(await test.platform.store.buildArtifacts.listOfRun(again.tenantId, again.id), []);
    assert.equal((await test.lines(again)).at(-1), `Verified: 1 image of ${run.id} came out the same`);
  });

  it('fails when one differs, and tells digests and the first layer that does', async () => {
    const { spec } = await shop.built(await commit());
    const other = digestOf('another');
    test.builder.script.web = { digest: other };
    test.registry.layersOf.set(digest, ['sha256:a', 'sha256:b']).set(other, ['sha256:a', 'sha256:c']);

    const again = await verified(spec.id);

    assert.equal(again.status, 'failed');
    assert.deepEqual([again.failure?.code, again.failure?.phase, again.attempt], ['build_error', 'record', 1]);
    assert.equal(
      again.failure?.message,
      `not reproducible: service web (linux/amd64) was ${manifestOf(digest)} and is now ${manifestOf(other)}; layer 2 of 2 is the first that differs: sha256:b before, sha256:c now`,
    );
    assert.match(again.failure?.hint ?? '', /apt-get clean/);
    assert.equal(again.verification?.[0]?.found, manifestOf(other));
  });

  it('is never reused, and a run that reused leads to the one that built', async () => {
    const committed = await commit();
    const { spec, run } = await shop.built(committed);
    await verified(spec.id);

    const { run: reused } = await shop.build(committed);
    const again = await verified(spec.id);

    assert.equal(reused.reusedFrom, run.id);
    assert.equal(again.verifies, run.id);
  });

  it('compares with the images that a build took over from another build', async () => {
    const committed = await commit();
    await shop.built(committed);
    const { spec, run } = await shop.build(committed, { services: ['web'] });
    assert.notEqual(run.reusedFrom, null);

    const again = await verified(spec.id);

    assert.deepEqual([again.status, again.verifies], ['completed', run.id]);
  });

  it('needs an engine that can rewrite timestamps, and something that was built', async () => {
    const { spec } = await shop.build(await commit());
    await assert.rejects(verifyBuild(test.platform, shop.caller, { buildId: spec.id }), {
      code: 'artifacts_missing',
      message: /eve build run/,
    });
    await test.work();
    test.builder.can = { ...test.builder.can, rewriteTimestamps: false };

    await assert.rejects(verifyBuild(test.platform, shop.caller, { buildId: spec.id }), {
      code: 'engine_capability_missing',
      message: /BuildKit 0\.8.*rewrite/,
    });
  });
});
