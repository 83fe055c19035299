import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { BuildId } from '@eve/domain';
import { type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../testing/index.ts';
import { createRelease } from '../releases/create-release.ts';
import { deleteBuild, pruneBuilds } from './delete-builds.ts';
import { renderImage } from './image-place.ts';
import { getBuild } from './read-builds.ts';

let test: TestPlatform;
let shop: SampleProject;

before(async () => {
  test = await testPlatform();
  shop = await sampleProject(test);
});

after(() => test[Symbol.asyncDispose]());

const isGone = (id: BuildId) => assert.rejects(getBuild(test.platform, shop.caller, id), { code: 'build_not_found' });

/** A completed build and where its images stand. */
async function built(over: Parameters<SampleProject['build']>[1] = {}) {
  const { spec, run } = await shop.built(await shop.commit(), over);
  const artifacts = await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id);
  const images = artifacts.map(({ image, digests }) => renderImage(test.platform.settings, image, digests.digest));
  return { spec, run, artifacts, images };
}

async function held(images: readonly string[]): Promise<boolean[]> {
  return Promise.all(images.map((image) => test.registry.exists(image, null)));
}

describe('a deleted build', () => {
  it('takes its log and its images in Eve’s registry with it, and the history says who did it', async () => {
    const { spec, run, images } = await built();
    assert.deepEqual(await held(images), [true, true]);
    assert.ok((await test.lines(run)).length > 0);

    await deleteBuild(test.platform, shop.caller, spec.id);

    await isGone(spec.id);
    assert.deepEqual(await test.lines(run), []);
    assert.deepEqual(await held(images), [false, false]);
    const history = await test.platform.store.transitions.list(spec.tenantId, spec.id);
    assert.deepEqual(
      history.map(({ event, to, actor }) => [event, to, actor]),
      [['delete', 'deleted', 'token:sample']],
    );
  });

  it('leaves images that another build names too', async () => {
    const first = await built();
    const { gitSha, manifestHash } = first.spec;
    const again = await shop.built({ gitSha: gitSha ?? '', manifestHash: manifestHash ?? '' }, { services: ['web'] });
    assert.equal(again.run.reusedFrom, first.run.id);

    await deleteBuild(test.platform, shop.caller, first.spec.id);

    const kept = first.artifacts.map(({ serviceName }) => serviceName === 'web');
    assert.deepEqual(await held(first.images), kept);
    assert.equal((await test.platform.store.buildRuns.get(again.run.tenantId, again.run.id)).status, 'completed');
  });

  it('leaves the registry as it is while something of the project is being built', async () => {
    const { spec, images } = await built();
    const waiting = await shop.build(await shop.commit());

    await deleteBuild(test.platform, shop.caller, spec.id);

    assert.deepEqual(await held(images), [true, true]);
    await assert.rejects(deleteBuild(test.platform, shop.caller, waiting.spec.id), { code: 'build_active' });
    await test.work();
  });

  it('is gone also when its registry is away, and the operator is told', async () => {
    const { spec } = await built();
    test.registry.outage = new Error('away');

    await deleteBuild(test.platform, shop.caller, spec.id).finally(() => {
      test.registry.outage = null;
    });

    await isGone(spec.id);
    assert.ok(test.said.some(({ sentence }) => sentence === 'images of a deleted build could not be removed'));
  });

  it('is refused when a release names it, to strangers, and without the right to build', async () => {
    const { spec, images } = await built();
    const { gitSha, manifestHash, projectId } = spec;
    const about = { gitSha: gitSha ?? '', manifestHash: manifestHash ?? '', buildId: spec.id, version: '7.0.0' };
    await createRelease(test.platform, shop.caller, projectId, about);
    const stranger = await sampleProject(test, 'stranger');

    const refused = { code: 'build_in_use', kind: 'conflict', message: /v7\.0\.0/ };
    await assert.rejects(deleteBuild(test.platform, shop.caller, spec.id), refused);
    await assert.rejects(deleteBuild(test.platform, stranger.caller, spec.id), { code: 'build_not_found' });
    const reader = { ...shop.caller, scopes: ['read'] as const };
    await assert.rejects(deleteBuild(test.platform, reader, spec.id), { code: 'caller_forbidden' });
    assert.deepEqual(await held(images), [true, true]);
  });
});

describe('pruning builds', () => {
  it('keeps the newest, what a release names and what is under way', async () => {
    const mine = await sampleProject(test, 'pruner');
    const specs = [];
    for (let index = 0; index < 5; index++) specs.push((await mine.built(await mine.commit())).spec);
    const [, released] = specs;
    if (!released) throw new Error('There is no second build.');
    const about = { gitSha: released.gitSha ?? '', manifestHash: released.manifestHash ?? '', version: '1.0.0' };
    await createRelease(test.platform, mine.caller, mine.project.id, { ...about, buildId: released.id });

    const prune = (keep?: number) => pruneBuilds(test.platform, mine.caller, mine.project.id, keep);
    const left = async () =>
      (await test.platform.store.buildSpecs.list(mine.organisation.id, mine.project.id, { limit: 50 })).items;

    assert.equal(await prune(), 0);
    assert.equal(await prune(2), 2);
    assert.deepEqual(
      (await left()).map(({ id }) => id),
      [specs[4]?.id, specs[3]?.id, released.id],
    );
    const waiting = await mine.build(await mine.commit());
    assert.equal(await prune(0), 2);
    assert.deepEqual(
      (await left()).map(({ id }) => id),
      [waiting.spec.id, released.id],
    );
    assert.equal(await prune(0), 0);
    await test.work();
  });

  it('asks for a number that makes sense, and a project of the caller', async () => {
    for (const keep of [-1, 1.5, Number.NaN, 100_001]) {
      await assert.rejects(pruneBuilds(test.platform, shop.caller, shop.project.id, keep), { code: 'request_invalid' });
    }
    const stranger = await sampleProject(test, 'asker');
    await assert.rejects(pruneBuilds(test.platform, stranger.caller, shop.project.id, 1), {
      code: 'project_not_found',
    });
  });
});
