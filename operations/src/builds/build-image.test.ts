import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildStep } from '@eve/domain';
import { digestOf, eachOnSampleProject, type SampleProject, type TestPlatform } from '../../testing/index.ts';
import { cancelBuildRun } from './cancel-build-run.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const tested = 'services:\n  web: { build: { context: web, test: npm test } }\n';
const testStep = '[eve-test 2/2] RUN npm test';

describe('the test of a build', () => {
  it('is built before the image, on top of it, and nothing else comes of it', async () => {
    test.builder.script['web:test'] = { step: testStep, lines: ['14 tests passed'] };

    const { run } = await shop.built(await shop.commit(tested));

    assert.equal(run.status, 'completed');
    const [first, second] = test.builder.plans;
    assert.deepEqual([first?.output, second?.output], ['none', 'push']);
    assert.equal(first?.dockerfileText, 'FROM scratch AS eve-image\nFROM eve-image AS eve-test\nRUN npm test\n');
    assert.deepEqual([first?.target, first?.tags, second?.dockerfileText], ['eve-test', [], null]);
    const lines = await test.platform.logs.read(run, { step: 'test' });
    assert.deepEqual(
      lines.map(({ text }) => text),
      ['Testing web: npm test', testStep, '14 tests passed', 'Tests of web passed'],
    );
  });

  it('that fails is a build_error at the phase test, and nothing is pushed', async () => {
    const message = 'docker buildx failed with exit code 1 at [eve-test 2/2] RUN npm test';
    test.builder.script['web:test'] = {
      ...{ step: testStep, lines: ['1 test failed'] },
      failure: { code: 'build_error', message, step: testStep },
    };

    const { run } = await shop.built(await shop.commit(tested));

    assert.equal(run.status, 'failed');
    assert.deepEqual([run.failure?.code, run.failure?.phase, run.failure?.service], ['build_error', 'test', 'web']);
    assert.equal(run.failure?.message, `The tests of service 'web' did not pass: ${message}`);
    assert.match(run.failure?.hint ?? '', /"npm test" \(services\.web\.build\.test\)/);
    assert.deepEqual(run.failure?.tail, ['1 test failed']);
    assert.equal(test.builder.plans.length, 1);
    assert.deepEqual(test.registry.inspected, []);
  });

  it('that does not get as far as the test is an ordinary failure', async () => {
    test.builder.script['web:test'] = {
      failure: { code: 'build_error', message: 'exit code 1 at [2/3] RUN npm ci', step: '[2/3] RUN npm ci' },
    };

    const { run } = await shop.built(await shop.commit(tested));

    assert.equal(run.failure?.phase, 'build');
    assert.equal(run.failure?.message, 'exit code 1 at [2/3] RUN npm ci');
  });

  it('may be a stage of the Dockerfile, and one that is not there is named', async () => {
    const manifest = tested.replace('npm test', '{ target: unit }');
    const files = { 'web/Dockerfile': 'FROM scratch AS unit\nFROM scratch\n' };

    const { run } = await shop.built(await shop.commit(manifest, files));
    const { run: missing } = await shop.built(await shop.commit(manifest));

    assert.equal(run.status, 'completed');
    assert.deepEqual([test.builder.plans[0]?.target, test.builder.plans[0]?.dockerfileText], ['unit', null]);
    assert.deepEqual([missing.failure?.code, missing.failure?.phase], ['build_error', 'plan']);
    assert.match(missing.failure?.message ?? '', /no stage "unit"/);
  });

  it('makes the layers anew when the cache is off, and what is pushed is what was tested', async () => {
    await shop.built(await shop.commit(tested), { inputs: { forceRebuild: true } });

    assert.deepEqual(
      test.builder.plans.map(({ noCache }) => noCache),
      [true, false],
    );
  });

  it('is ended by a cancel to its last process', async () => {
    test.builder.script['web:test'] = { hang: true };
    const { spec, run } = await shop.build(await shop.commit(tested));
    let asked = false;

    await test.work(async () => {
      if (!asked && test.builder.running.has(`${run.id}-1-web--test`)) {
        asked = true;
        await cancelBuildRun(test.platform, shop.caller, { buildId: spec.id, reason: 'not needed' });
      }
      return (await test.platform.store.buildRuns.get(run.tenantId, run.id)).status === 'cancelled';
    });

    assert.equal(test.builder.running.size, 0);
    assert.equal(
      (await test.lines(run)).at(-1),
      'Cancelled by token:sample (not needed): nothing of this build runs any more',
    );
  });
});

describe('what is recorded of a build', () => {
  const one = 'services:\n  web: { build: { context: web } }\n';
  const stepsOf = async (run: { tenantId: `org_${string}`; id: `brun_${string}` }): Promise<readonly BuildStep[]> =>
    test.platform.store.buildSteps.listOfRun(run.tenantId, run.id);

  it('are its steps, with times and why they were not cached', async () => {
    const from = { name: '[1/3] FROM docker.io/library/node@sha256:aa', state: 'done' } as const;
    const copy = { name: '[2/3] COPY . .', state: 'done' } as const;
    test.builder.script.web = { steps: [from, copy], step: '[3/3] RUN npm ci' };
    const { run: first } = await shop.built(await shop.commit(one));
    test.builder.script.web = { steps: [from, { ...copy, state: 'cached' }], step: '[3/3] RUN npm ci --omit=dev' };
    const { run: second } = await shop.built(await shop.commit(one));

    const [before, after] = [await stepsOf(first), await stepsOf(second)];
    assert.deepEqual(
      before.map(({ index, state, cacheReason }) => [index, state, cacheReason]),
      [
        [1, 'done', null],
        [2, 'done', 'first build of this service'],
        [3, 'done', 'first build of this service'],
      ],
    );
    assert.ok(before.every(({ startedAt, completedAt, attempt }) => startedAt && completedAt && attempt === 1));
    assert.deepEqual(
      after.map(({ name, state, cacheReason }) => [name, state, cacheReason]),
      [
        [from.name, 'done', null],
        [copy.name, 'cached', null],
        ['[3/3] RUN npm ci --omit=dev', 'done', 'the instruction changed'],
      ],
    );
  });

  it('are the steps of what failed as well', async () => {
    test.builder.script.web = { failure: { code: 'build_error', message: 'exit code 1', step: '[1/1] RUN make' } };

    const { run } = await shop.built(await shop.commit(one));

    assert.deepEqual(
      (await stepsOf(run)).map(({ state, error }) => [state, error]),
      [['failed', 'exit code 1']],
    );
  });

  it('is what it used', async () => {
    const usage = { peakMemoryBytes: 29 * 1024 ** 3, cpuMs: 1500, diskReadBytes: 10, diskWrittenBytes: 20 };
    test.builder.script.web = { usage };
    test.builder.script.jobs = { usage: { ...usage, peakMemoryBytes: 1 } };

    const { run } = await shop.built(await shop.commit());

    assert.deepEqual(run.usage, {
      ...{ peakMemoryBytes: usage.peakMemoryBytes + 1, cpuMs: 3000, diskReadBytes: 20, diskWrittenBytes: 40 },
    });
  });

  it('is its provenance, where the engine attaches one', async () => {
    test.builder.can = { ...test.builder.can, attestations: true };
    const pushed = digestOf('pushed');
    test.builder.script.web = { digest: pushed };
    const statement = { _type: 'https://in-toto.io/Statement/v0.1', subject: [], predicate: {} };
    test.registry.statements.set(pushed, [{ ...statement, predicateType: 'https://slsa.dev/provenance/v1' }]);

    const { run } = await shop.built(await shop.commit(one));

    const [artifact] = await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id);
    assert.match(artifact?.provenanceRef ?? '', /^sha256:/);
    assert.equal(artifact?.sbomRef, null);
    assert.equal(test.builder.plans[0]?.provenance, true);
  });
});
