import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advanceBuildRun, type BuildRun } from '@eve/domain';
import { eachOnSampleProject, type SampleProject, type TestPlatform } from '../../testing/index.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { giveUpBuildRun } from './give-up-build-run.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

/** A run that a worker has begun, with the worker's work. */
async function begun(): Promise<{ run: BuildRun; work: ClaimedWork }> {
  const { platform } = test;
  const { run } = await shop.build(await shop.commit());
  const { work } = await platform.queue.claim({ worker: 'tired', classes: ['build'], leaseMs: 60_000 });
  assert.ok(work);
  const started = advanceBuildRun(run, { type: 'start' }, platform.now());
  const change = { was: run.status, event: 'start', actor: 'system', lease: work.lease } as const;
  await platform.store.buildRuns.update(started, change);
  return { run, work };
}

describe('giving a build run up', () => {
  it('ends it as failed by the platform', async () => {
    const { run, work } = await begun();

    await giveUpBuildRun(test.platform, work);

    const { status, failure } = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.equal(status, 'failed');
    assert.equal(failure?.code, 'infrastructure_error');
    assert.match((await test.lines(run)).at(-1) ?? '', /tried several times/);
  });

  it('ends it as cancelled when somebody had asked for that', async () => {
    const { run, work } = await begun();
    const { store, now } = test.platform;
    await store.buildRuns.requestCancel(run.tenantId, run.id, 'token:sample', now());

    await giveUpBuildRun(test.platform, work);

    const { status, failure } = await store.buildRuns.get(run.tenantId, run.id);
    assert.equal(status, 'cancelled');
    assert.equal(failure, null);
  });
});
