import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { expireLease, leaseFor } from '@eve/adapter-postgres/testing';
import { type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../testing/index.ts';
import { createBuild } from '../builds/create-build.ts';
import { logWriter, maxLineCharacters } from './log-writer.ts';
import { openLog } from './open-log.ts';
import { redactor } from './redact.ts';

let test: TestPlatform;
let shop: SampleProject;

before(async () => {
  test = await testPlatform();
  shop = await sampleProject(test);
});

after(() => test[Symbol.asyncDispose]());

describe('a log', () => {
  it('keeps lines in order without gaps, redacted, however fast they come', async () => {
    const subject = { tenantId: shop.caller.tenantId, projectId: shop.project.id, id: test.platform.newId('brun') };
    const lease = await leaseFor(test.db, 'execute-build-run', subject);
    const writer = logWriter(test.platform, subject, { lease, attempt: 1, redact: redactor(['topsecret']) });

    const texts = Array.from({ length: 12_000 }, (_, index) => `line ${index} topsecret`);
    for (const text of texts)
      await writer.print({ service: 'web', step: 'RUN x', stream: 'stdout', text, at: new Date() });
    writer.say('one\ntwo', { step: 'done' });
    await writer.flush();

    const last = await test.platform.logs.read(subject, { tail: 3 });
    assert.deepEqual(
      last.map(({ sequence, text }) => [sequence, text]),
      [
        [12_000, 'line 11999 ***'],
        [12_001, 'one'],
        [12_002, 'two'],
      ],
    );
    await test.platform.store.queue.settle(lease);
  });

  it('keeps a line of a megabyte whole, and says where a longer one is cut; a secret at the cut is hidden', async () => {
    const subject = { tenantId: shop.caller.tenantId, projectId: shop.project.id, id: test.platform.newId('brun') };
    const lease = await leaseFor(test.db, 'execute-build-run', subject);
    const writer = logWriter(test.platform, subject, { lease, attempt: 1, redact: redactor(['topsecret']) });
    const about = { service: 'web', step: null, stream: 'stdout', at: new Date() } as const;

    await writer.print({ ...about, text: 'x'.repeat(1_000_000) });
    await writer.print({ ...about, text: `${'x'.repeat(maxLineCharacters - 4)}topsecret and more` });
    await writer.flush();

    const [whole, cut] = await test.platform.logs.read(subject, {});
    assert.equal(whole?.text.length, 1_000_000);
    assert.equal(
      cut?.text.slice(maxLineCharacters - 6),
      'xx*** … (the rest of this line is not kept: it is longer than 1048576 characters)',
    );
    await test.platform.store.queue.settle(lease);
  });

  it('stores lines that come slowly a few at a time, and many at once when they come fast', async () => {
    const subject = { tenantId: shop.caller.tenantId, projectId: shop.project.id, id: test.platform.newId('brun') };
    const lease = await leaseFor(test.db, 'execute-build-run', subject);
    const sizes: number[] = [];
    const { logs } = test.platform;
    const counted = {
      ...logs,
      append: (...given: Parameters<typeof logs.append>) => {
        sizes.push(given[1].length);
        return logs.append(...given);
      },
    };
    const options = { lease, attempt: 1, redact: (text: string) => text };
    const writer = logWriter({ ...test.platform, logs: counted }, subject, options);
    const print = (text: string) =>
      writer.print({ service: 'web', step: null, stream: 'stdout', text, at: new Date() });

    const began = performance.now();
    for (let line = 0; line < 100; line++) {
      await print('slow');
      await delay(2);
    }
    await writer.flush();
    const most = (performance.now() - began) / 30 + 2;
    const slow = sizes.splice(0).length;
    for (let line = 0; line < 20_000; line++) await print('fast');
    await writer.flush();

    assert.ok(slow <= most, `${slow} appends, not ${most}`);
    assert.ok(sizes.length <= 12, `${sizes.length} appends`);
    const [last] = await logs.read(subject, { tail: 1 });
    assert.equal(last?.sequence, 20_100);
    await test.platform.store.queue.settle(lease);
  });

  it('takes no line after its lease is gone, and says so', async () => {
    const subject = { tenantId: shop.caller.tenantId, projectId: shop.project.id, id: test.platform.newId('brun') };
    const lease = await leaseFor(test.db, 'execute-build-run', subject);
    const writer = logWriter(test.platform, subject, { lease, attempt: 1, redact: (text) => text });
    await expireLease(test.db, lease);

    writer.say('too late');

    await assert.rejects(writer.flush(), { code: 'lease_lost' });
    assert.deepEqual(await test.platform.logs.read(subject, {}), []);
    await test.db.pool.query('delete from work');
    await test.db.pool.query('update lanes set running = 0');
  });

  it('says why a build waits, and how it ended', async () => {
    const commit = await shop.commit();
    const spec = await createBuild(test.platform, shop.caller, shop.project.id, commit);
    await assert.rejects(openLog(test.platform, shop.caller, { buildId: spec.id }), {
      code: 'build_run_not_found',
      message: /eve build run/,
    });
    await shop.build(commit);
    const log = await openLog(test.platform, shop.caller, { buildId: spec.id });

    const waiting = await log.waiting();
    const before = await log.finished();
    await test.work();

    assert.equal(waiting, 'Waiting at position 1: it waits for a free worker.');
    assert.equal(before, null);
    assert.equal(await log.waiting(), null);
    assert.deepEqual(await log.finished(), { state: 'completed', failure: null });
  });
});
