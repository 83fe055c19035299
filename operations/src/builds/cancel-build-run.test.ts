import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eachOnSampleProject, type SampleProject, type TestPlatform } from '../../testing/index.ts';
import { cancelBuildRun } from './cancel-build-run.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const cancel = (buildId: Parameters<typeof cancelBuildRun>[2]['buildId'], reason?: string) =>
  cancelBuildRun(test.platform, shop.caller, { buildId, reason });

describe('cancelling a build run', () => {
  it('ends a waiting one at once and says why', async () => {
    const { spec, run } = await shop.build(await shop.commit());

    const cancelled = await cancel(spec.id, 'not needed');

    assert.equal(cancelled.status, 'cancelled');
    assert.ok(cancelled.startedAt && cancelled.completedAt);
    assert.deepEqual(await test.lines(run), ['Cancel requested by token:sample: not needed']);
    await assert.rejects(cancel(spec.id), { code: 'build_finished' });
  });

  it('ends a running one only when nothing of it runs any more', async () => {
    test.builder.script.web = { hang: true };
    const { spec, run } = await shop.build(await shop.commit());
    let ranAtTheEnd = -1;
    const { stop } = test.builder;
    test.builder.stop = async (ref) => {
      ranAtTheEnd = 0;
      const now = await test.platform.store.buildRuns.get(run.tenantId, run.id);
      assert.equal(now.status, 'building');
      await stop(ref);
    };
    await test.work(() => test.builder.running.size === 1 && test.registry.inspected.length === 1);

    const asked = await cancel(spec.id);
    await test.work();

    const ended = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.ok(asked.cancelRequestedAt);
    assert.equal(ended.status, 'cancelled');
    assert.equal(ranAtTheEnd, 0);
    assert.equal(test.builder.running.size, 0);
    assert.match((await test.lines(run)).at(-1) ?? '', /^Cancelled by token:sample: nothing of this build runs/);
  });

  it('interrupts a running one within its worker', async () => {
    test.builder.script.web = { hang: true };
    const { spec, run } = await shop.build(await shop.commit());
    let asked = false;

    await test.work(async () => {
      if (!asked && test.builder.running.has(`${run.id}-1-web`)) {
        asked = true;
        await cancel(spec.id);
      }
      return (await test.platform.store.buildRuns.get(run.tenantId, run.id)).status === 'cancelled';
    });

    assert.deepEqual(new Set(test.builder.stopped), new Set([`${run.id}-1-web`]));
  });

  it('makes completed unreachable, even between the last image and the last write', async () => {
    const { spec, run } = await shop.build(await shop.commit());
    const { store } = test.platform;
    const { transaction } = store;
    let asking: Promise<unknown> | null = null;
    test.onFailpoint = (name) => {
      if (name !== 'before-complete') return;
      asking ??= store.buildRuns.requestCancel(run.tenantId, run.id, 'token:late', new Date());
    };
    // The last write comes after the request, however long that takes.
    const later: typeof transaction = async (act) => {
      await asking;
      return transaction(act);
    };
    Object.assign(store, { transaction: later });

    await test.work().finally(() => Object.assign(store, { transaction }));

    assert.ok(asking);
    const ended = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.equal(ended.status, 'cancelled');
    await assert.rejects(cancel(spec.id), { code: 'build_finished' });
  });

  it('also ends one that waits for its next attempt', async () => {
    const { spec, run } = await shop.build(await shop.commit());
    await test.killAt('build', 'after-checkout');

    const asked = await cancel(spec.id);
    await test.work();

    assert.equal(asked.status, 'building');
    const ended = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.equal(ended.status, 'cancelled');
  });
});

it('ends the newest run that has not ended when none is named', async () => {
  const commit = await shop.commit();
  const { spec, run: older } = await shop.build(commit);
  const { run: newer } = await shop.build(commit);

  const [first, second] = [await cancel(spec.id), await cancel(spec.id)];

  assert.deepEqual([first.id, second.id], [newer.id, older.id]);
  assert.deepEqual([first.status, second.status], ['cancelled', 'cancelled']);
});
