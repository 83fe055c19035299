import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { BuildRun, BuildStep } from '@eve/domain';
import {
  type SampleProject,
  sampleManifest,
  sampleProject,
  type TestPlatform,
  testPlatform,
} from '../../testing/index.ts';
import { createBuild } from './create-build.ts';
import { cacheUse, diagnoseBuild } from './diagnose-build.ts';
import { listBuildSteps } from './read-builds.ts';

let test: TestPlatform;
let shop: SampleProject;

before(async () => {
  test = await testPlatform();
  shop = await sampleProject(test);
});

after(() => test[Symbol.asyncDispose]());

describe('a diagnosis', () => {
  const diagnose = (id: BuildRun['buildId']) => diagnoseBuild(test.platform, shop.caller, id);

  it('of a build that never ran is its spec', async () => {
    const spec = await createBuild(test.platform, shop.caller, shop.project.id, await shop.commit());

    const found = await diagnose(spec.id);

    const { runs, run, artifacts, steps, cache, logs, waiting, failure, lastGood } = found;
    assert.deepEqual(found.spec, spec);
    assert.deepEqual([runs, artifacts, steps, logs], [[], [], [], []]);
    assert.deepEqual([run, cache, waiting, failure, lastGood], [null, null, null, null, null]);
  });

  it('of a waiting build names its place and reason', async () => {
    const { spec, run } = await shop.build(await shop.commit());

    const { waiting, runs } = await diagnose(spec.id);

    assert.equal(waiting?.position, 1);
    assert.equal(runs[0]?.id, run.id);
    await test.work();
  });

  it('of a failed build has the failure, the last 30 lines, and what changed since the last good one', async () => {
    const good = await shop.built(await shop.commit());
    const changed = sampleManifest.replace('GREETING: hello', 'GREETING: bye');
    const commit = await shop.commit(changed);
    const { 'web/Dockerfile': _, ...files } = test.source.trees[commit.gitSha] ?? {};
    test.source.trees[commit.gitSha] = files;
    const bad = await shop.built(commit, { inputs: { tag: 'bad' } });

    const { failure, run, logs, lastGood, runs } = await diagnose(bad.spec.id);

    assert.equal(run?.status, 'failed');
    assert.equal(failure?.code, 'build_error');
    assert.ok(failure.hint.length > 0 && !failure.retryHelps);
    assert.ok(logs.length > 0 && logs.length <= 30);
    assert.equal(runs.length, 1);
    assert.equal(lastGood?.run.id, good.run.id);
    assert.equal(lastGood?.spec.id, good.spec.id);
    const differences = Object.fromEntries(
      lastGood.differences.map(({ what, before, after }) => [what, [before, after]]),
    );
    assert.deepEqual(differences.git_sha, [good.spec.gitSha, bad.spec.gitSha]);
    assert.deepEqual(differences.manifest_hash, [good.spec.manifestHash, bad.spec.manifestHash]);
    assert.deepEqual(differences.inputs, [null, '{"tag":"bad"}']);
    assert.deepEqual(differences['manifest.services.web.environment.GREETING'], ['hello', 'bye']);
  });

  it('of a failed build shows the images that were made all the same', async () => {
    test.builder.script.jobs = { failure: { code: 'build_error', message: 'it broke' } };
    const { spec, run } = await shop.built(await shop.commit(), { inputs: { tag: 'half' } });
    delete test.builder.script.jobs;

    const { artifacts } = await diagnose(spec.id);

    assert.equal(run.status, 'failed');
    assert.deepEqual(
      artifacts.map(({ serviceName, runId }) => [serviceName, runId]),
      [['web', run.id]],
    );
  });

  it('and the steps of a run are hidden from strangers', async () => {
    const { spec, run } = await shop.built(await shop.commit());
    const stranger = await sampleProject(test, 'stranger');
    const other = await shop.built(await shop.commit());

    await assert.rejects(diagnoseBuild(test.platform, stranger.caller, spec.id), { code: 'build_not_found' });
    const steps = (caller: SampleProject['caller'], buildId: BuildRun['buildId']) =>
      listBuildSteps(test.platform, caller, { buildId, runId: run.id });
    await assert.rejects(steps(stranger.caller, spec.id), { code: 'build_not_found' });
    await assert.rejects(steps(shop.caller, other.spec.id), { code: 'build_run_not_found' });
    const scoped = { ...shop.caller, projectId: stranger.project.id };
    await assert.rejects(diagnoseBuild(test.platform, scoped, spec.id), { kind: 'not_found' });
    assert.ok(Array.isArray(await steps(shop.caller, spec.id)));
  });
});

describe('the cache of a build', () => {
  const step = (state: BuildStep['state'], attempt: number, name = '[2/2] RUN make'): BuildStep => ({
    service: 'web',
    attempt,
    index: 1,
    name,
    state,
    cacheReason: null,
    startedAt: null,
    completedAt: null,
    error: null,
  });

  it('was used as far as steps of the last attempt were taken from it', () => {
    const steps = [step('done', 1), step('done', 1), step('cached', 2), step('done', 2), step('running', 2)];
    const others = ['[1/2] FROM node:24', '[internal] load .dockerignore', 'exporting to image'].map((name) =>
      step('done', 2, name),
    );

    assert.deepEqual(cacheUse([...steps, ...others]), { steps: 2, hits: 1, rate: 0.5 });
    assert.equal(cacheUse([]), null);
    assert.equal(cacheUse([step('running', 1)]), null);
  });
});
