import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { dockerfileCases } from './dockerfiles.ts';
import { planCases } from './plans.ts';
import { registryCases } from './registries.ts';
import { check, type FailureCase, openScene, type Scene } from './scene.ts';
import { sourceCases } from './sources.ts';

const corpus: Readonly<Record<string, readonly FailureCase[]>> = {
  'of the source': sourceCases,
  'of the plan': planCases,
  'of the Dockerfile': dockerfileCases,
  'of the registry': registryCases,
};

describe('a failed build is told for what it is', () => {
  let scene: Scene;
  before(async () => {
    scene = await openScene({ EVE_BUILD_PREPARE_TIMEOUT: '4s', EVE_BUILD_SLOTS: '6' });
  });
  after(() => scene?.[Symbol.asyncDispose]());

  for (const [kind, cases] of Object.entries(corpus)) {
    // Engines try some pushes again for a minute, which is the time to see others fail.
    describe(`when the cause is ${kind}:`, { concurrency: kind === 'of the registry' ? 6 : 1 }, () => {
      for (const one of cases) it(one.name, () => check(scene, one));
    });
  }

  it('and there are at least forty kinds of them', () => {
    assert.ok(Object.values(corpus).flat().length >= 40);
  });
});

describe('a build that waits for its start longer than it may', () => {
  it('fails with the setting and its value', async () => {
    await using scene = await openScene({ EVE_BUILD_QUEUE_TIMEOUT: '3s', EVE_BUILD_SLOTS: '1' });
    const undo: (() => PromiseLike<unknown>)[] = [];
    const defer = (act: () => PromiseLike<unknown>) => undo.unshift(act);
    const files = { Dockerfile: 'FROM debian:12-slim\nRUN sleep 600\n' };
    const expect = { code: '', phase: '', message: /./, retry: false };
    const running = await scene.start({ name: 'one', files, expect }, defer);
    const waiting = await scene.start({ name: 'two', files, expect }, defer);

    const failed = await scene.ended(waiting);
    await scene.client.cancelBuild(running.build_id, { run_id: running.id, reason: 'the test is over' });
    const cancelled = await scene.ended(running);
    for (const act of undo) await act();

    assert.equal(failed.status, 'failed');
    assert.deepEqual([failed.error?.code, failed.error?.phase], ['timeout_error', 'queue']);
    assert.match(failed.error?.hint ?? '', /EVE_BUILD_QUEUE_TIMEOUT.*3 s|3 s.*EVE_BUILD_QUEUE_TIMEOUT/);
    assert.equal(cancelled.status, 'cancelled');
  });
});
