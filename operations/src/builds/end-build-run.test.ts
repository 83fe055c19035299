import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import { type BuildRun, PlatformError } from '@eve/domain';
import { digestOf, type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../testing/index.ts';
import { cancelBuildRun } from './cancel-build-run.ts';
import { executeBuildRun } from './execute-build-run.ts';

let db: TestDatabase;
let test: TestPlatform;
let shop: SampleProject;
const never = new AbortController().signal;
const network = { code: 'clone_error', message: 'could not resolve host', retryClass: 'network' } as const;

before(async () => {
  db = await testDatabase();
});

after(() => db[Symbol.asyncDispose]());

beforeEach(async () => {
  test = await testPlatform({}, db);
  shop = await sampleProject(test);
});

afterEach(() => test[Symbol.asyncDispose]());

/** Carries one attempt of a run out, without hurrying what waits after it. */
async function oneAttempt(): Promise<void> {
  const { work } = await test.platform.queue.claim({ worker: 'test', classes: ['build'], leaseMs: 60_000 });
  assert.ok(work);
  await executeBuildRun(test.platform, work, never, never);
}

const current = ({ tenantId, id }: BuildRun) => test.platform.store.buildRuns.get(tenantId, id);

describe('a build run that fails for a reason that passes', () => {
  it('is tried again as the same run, which then is completed', async () => {
    test.builder.script.web = { failure: network, failures: 2 };

    const { run } = await shop.built(await shop.commit());

    assert.equal(run.status, 'completed');
    assert.deepEqual([run.attempt, run.retries, run.failure], [3, 2, null]);
    const lines = await test.lines(run);
    const again = lines.filter((text) => text.startsWith('This may pass by itself'));
    assert.deepEqual(again, [
      'This may pass by itself: the build is tried again in 30 s, as attempt 2 of 4.',
      'This may pass by itself: the build is tried again in 60 s, as attempt 3 of 4.',
    ]);
    const history = await test.platform.store.transitions.list(run.tenantId, run.id);
    assert.equal(history.filter(({ event }) => event === 'retry').length, 2);
  });

  it('keeps the images that an attempt before has recorded, whatever digest they would have now', async () => {
    let pushed = 0;
    test.builder.script.web = {
      get digest() {
        return digestOf(`web ${++pushed}`);
      },
    };
    test.builder.script.api = { failure: network, failures: 1 };
    const both = 'services:\n  web: { build: { context: web } }\n  api: { build: { context: web } }\n';

    const { run } = await shop.built(await shop.commit(both));

    assert.deepEqual([run.status, run.attempt, run.failure], ['completed', 2, null]);
    const artifacts = await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id);
    assert.deepEqual(
      artifacts.map(({ serviceName, digests }) => [serviceName, digests.digest]),
      [
        ['api', digestOf(`api ${run.id}`)],
        ['web', digestOf('web 1')],
      ],
    );
    assert.ok((await test.lines(run)).includes(`Built by an attempt before this one: ${digestOf('web 1')}`));
  });

  it('waits without a slot, and says why', async () => {
    test.builder.script.web = { failure: network };
    const { run } = await shop.build(await shop.commit());

    await oneAttempt();

    const waiting = await current(run);
    assert.equal(waiting.status, 'pending');
    assert.ok((waiting.queueDeadlineAt?.getTime() ?? 0) > (run.queueDeadlineAt?.getTime() ?? 0));
    assert.equal((await test.platform.queue.position('execute-build-run', run.id))?.reason, 'retry_delay');
    const { rows } = await db.pool.query(`select running from lanes where class = 'build'`);
    assert.deepEqual(rows, [{ running: 0 }]);
    const { rows: delays } = await db.pool.query(`select run_at - now() > interval '25 s' as waits from work`);
    assert.deepEqual(delays, [{ waits: true }]);
  });

  it('is cancelled at once while it waits, with who and why', async () => {
    test.builder.script.web = { failure: network };
    const { spec, run } = await shop.build(await shop.commit());
    await oneAttempt();

    const cancelled = await cancelBuildRun(test.platform, shop.caller, { buildId: spec.id, reason: 'wrong branch' });

    assert.equal(cancelled.status, 'cancelled');
    assert.equal((await current(run)).cancelReason, 'wrong branch');
    assert.equal((await test.lines(run)).at(-1), 'Cancel requested by token:sample: wrong branch');
  });

  it('is not tried again when a cancel came with the failure', async () => {
    test.builder.script.web = { failure: network };
    const { run } = await shop.build(await shop.commit());
    const { append } = test.platform.logs;
    let asked = false;
    test.platform.logs.append = async (...args) => {
      const sequence = await append(...args);
      if (!asked && args[1].some(({ text }) => text.startsWith('This may pass'))) {
        asked = true;
        await test.platform.store.buildRuns.requestCancel(run.tenantId, run.id, 'token:late', new Date());
      }
      return sequence;
    };

    await oneAttempt();

    assert.ok(asked);
    assert.equal((await current(run)).status, 'cancelled');
  });

  it('fails after the retries that its spec allows', async () => {
    test.builder.script.web = { failure: network };

    const { run } = await shop.built(await shop.commit(), {
      inputs: { retryPolicy: { maxRetries: 1, initialDelayMs: 1_000 } },
    });

    assert.equal(run.status, 'failed');
    assert.deepEqual([run.attempt, run.retries, run.failure?.code], [2, 1, 'clone_error']);
    assert.ok((await test.lines(run)).some((text) => text.endsWith('again in 1 s, as attempt 2 of 2.')));
  });

  it('is not tried again for any other reason, also not when another service’s reason passes', async () => {
    test.builder.script.web = { failure: network };
    test.builder.script.jobs = { failure: { code: 'build_error', message: 'exit code 1' } };

    const { run } = await shop.built(await shop.commit());

    assert.deepEqual([run.attempt, run.failure?.code, run.failure?.service], [1, 'build_error', 'jobs']);
    assert.equal(run.failure?.message, "Build failed for service 'jobs': exit code 1 (0 of 1 other was built)");
    assert.equal(run.failure?.phase, 'build');
  });

  it('is tried again as well when its engine is lost', async () => {
    test.builder.script.web = { failure: { code: 'infrastructure_error', message: 'the engine is gone' }, failures: 1 };

    const { run } = await shop.built(await shop.commit());

    assert.deepEqual([run.status, run.attempt, run.retries], ['completed', 2, 1]);
  });
});

describe('the database being away', () => {
  const away = new PlatformError('database_unavailable', 'The database is away.');

  it('is waited for at the end, and the build stays the first attempt', async () => {
    const { run } = await shop.build(await shop.commit());
    const { transaction } = test.platform.store;
    let failures = 0;
    let isEnding = false;
    test.onFailpoint = (name) => {
      isEnding ||= name === 'before-complete';
    };
    test.platform.store.transaction = async (act) => {
      if (isEnding && failures < 3) {
        failures++;
        throw away;
      }
      return transaction(act);
    };

    await oneAttempt();
    test.platform.store.transaction = transaction;

    const ended = await current(run);
    assert.equal(failures, 3);
    assert.deepEqual([ended.status, ended.attempt], ['completed', 1]);
  });

  it('does not end a run twice when the answer to its end was lost', async () => {
    const { run } = await shop.build(await shop.commit());
    const { transaction } = test.platform.store;
    let isLost = false;
    let isEnding = false;
    test.onFailpoint = (name) => {
      isEnding ||= name === 'before-complete';
    };
    test.platform.store.transaction = async (act) => {
      const result = await transaction(act);
      if (!isEnding || isLost) return result;
      isLost = true;
      throw away;
    };

    await oneAttempt();
    test.platform.store.transaction = transaction;

    assert.ok(isLost);
    assert.equal((await current(run)).status, 'completed');
    const history = await test.platform.store.transitions.list(run.tenantId, run.id);
    assert.equal(history.filter(({ to }) => to === 'completed').length, 1);
  });

  it('does not disturb what is only shown of a build', async () => {
    const { run } = await shop.build(await shop.commit());
    const { note } = test.platform.store.buildRuns;
    test.platform.store.buildRuns.note = async () => {
      throw away;
    };

    await oneAttempt();
    test.platform.store.buildRuns.note = note;

    const ended = await current(run);
    assert.deepEqual([ended.status, ended.attempt], ['completed', 1]);
    assert.ok(ended.limits && ended.runnerRef, 'the end writes what the notes could not');
  });
});
