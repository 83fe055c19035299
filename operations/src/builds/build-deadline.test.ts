import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import { type BuildRun, type BuildRunId, tierLimits } from '@eve/domain';
import { sampleProject, testPlatform } from '../../testing/index.ts';
import { failOverdueBuildRuns } from './fail-overdue-build-runs.ts';

let db: TestDatabase;

before(async () => {
  db = await testDatabase();
});

after(() => db[Symbol.asyncDispose]());

describe('a build run that waits too long for its start', () => {
  it('fails with timeout_error, and its work is gone', async () => {
    await using test = await testPlatform({ buildQueueTimeoutMs: 1 }, db);
    const shop = await sampleProject(test);
    const { run } = await shop.build(await shop.commit());
    await delay(5);

    const ended = await failOverdueBuildRuns(test.platform);

    const failed = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.equal(ended, 1);
    assert.deepEqual(
      [failed.status, failed.failure?.code, failed.failure?.phase],
      ['failed', 'timeout_error', 'queue'],
    );
    assert.match(failed.failure?.hint ?? '', /^EVE_BUILD_QUEUE_TIMEOUT is 0 s/);
    assert.ok(failed.startedAt && failed.completedAt);
    assert.deepEqual((await db.pool.query('select from work')).rowCount, 0);
    assert.match((await test.lines(run))[0] ?? '', /^Error: The build did not start within/);
    assert.equal(await failOverdueBuildRuns(test.platform), 0);
  });

  it('is left to the worker that has just claimed it', async () => {
    await using test = await testPlatform({ buildQueueTimeoutMs: 1 }, db);
    const shop = await sampleProject(test);
    const { run } = await shop.build(await shop.commit());
    const { work } = await test.platform.queue.claim({ worker: 'w', classes: ['build'], leaseMs: 60_000 });
    await delay(5);

    const ended = await failOverdueBuildRuns(test.platform);

    assert.ok(work);
    assert.equal(ended, 0);
    assert.equal((await test.platform.store.buildRuns.get(run.tenantId, run.id)).status, 'pending');
    assert.deepEqual(await test.lines(run), []);
    const { rows } = await db.pool.query('select cancel_requested from work');
    assert.deepEqual(rows, [{ cancel_requested: false }]);
  });

  it('has time as long as the operator says', async () => {
    await using test = await testPlatform({ buildQueueTimeoutMs: 60_000 }, db);
    const shop = await sampleProject(test);
    const { run } = await shop.build(await shop.commit());

    assert.equal(await failOverdueBuildRuns(test.platform), 0);
    assert.equal((run.queueDeadlineAt?.getTime() ?? 0) - run.createdAt.getTime(), 60_000);
  });
});

describe('the time of a build', () => {
  it('ends what is not prepared, whatever holds it up', async () => {
    await using test = await testPlatform({ buildPrepareTimeoutMs: 200 }, db);
    const shop = await sampleProject(test);
    const { checkout } = test.source;
    let isEnded = false;
    test.source.checkout = async (commit, say, signal) => {
      say('clone', 'Cloning for ever...');
      await delay(60_000, null, { signal }).catch(() => {});
      isEnded = true;
      signal.throwIfAborted();
      return checkout(commit, say, signal);
    };

    const { run } = await shop.built(await shop.commit());

    assert.ok(isEnded);
    assert.deepEqual([run.status, run.attempt], ['failed', 1]);
    assert.deepEqual([run.failure?.code, run.failure?.phase], ['timeout_error', 'prepare']);
    assert.match(run.failure?.hint ?? '', /^EVE_BUILD_PREPARE_TIMEOUT is 0\.2 s/);
  });

  it('names the setting, its value and what it may be raised to', async () => {
    await using test = await testPlatform({}, db);
    const shop = await sampleProject(test);
    test.builder.script.web = { hang: true };
    const manifest = 'services:\n  web: { build: { context: web, timeout: 1s } }\n';

    const { run } = await shop.built(await shop.commit(manifest));

    assert.deepEqual([run.failure?.code, run.failure?.phase], ['timeout_error', 'build']);
    assert.equal(run.failure?.message, 'The build did not end within 1 s.');
    assert.match(run.failure?.hint ?? '', /build\.timeout\) is 1 s: .*up to 3600 s in the tier dedicated/);
    assert.equal(test.builder.running.size, 0);
  });
});

describe('the limits of a run', () => {
  it('are recorded at its start: the tier’s, or less where the manifest asks for less', async () => {
    await using test = await testPlatform({ defaultTier: 'pro' }, db);
    const shop = await sampleProject(test);
    test.builder.can = { ...test.builder.can, limits: true };
    const manifest =
      'services:\n  web: { build: { context: web, resources: { memory: 256Mi, cpus: 64 }, timeout: 60s } }\n';

    const { run } = await shop.built(await shop.commit(manifest));

    const { cpusPerBuild } = tierLimits[shop.organisation.tier];
    assert.deepEqual(run.limits, { memoryBytes: 256 * 1024 ** 2, cpus: cpusPerBuild, timeoutMs: 60_000 });
    assert.deepEqual(test.builder.plans[0]?.limits, { memoryBytes: 256 * 1024 ** 2, cpus: cpusPerBuild });
    const note = run.notes.find((text) => text.startsWith('web: build.resources.cpus asks for 64 CPUs'));
    assert.ok(note?.includes(`the tier ${shop.organisation.tier} has ${cpusPerBuild} CPUs`), run.notes.join());
    assert.ok((await test.lines(run)).includes(`Note: ${note}`));
  });

  it('are refused at once where the engine can hold nobody to them', async () => {
    await using test = await testPlatform({}, db);
    const shop = await sampleProject(test);
    const commit = await shop.commit('services:\n  web: { build: { context: web, resources: { memory: 256Mi } } }\n');

    await assert.rejects(shop.build(commit), { code: 'engine_capability_missing', message: /build\.resources/ });
    const runs: { id: BuildRunId }[] = (await db.pool.query<BuildRun>('select id from build_runs')).rows;
    assert.deepEqual(runs, []);
  });
});
