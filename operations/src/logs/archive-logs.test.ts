import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sampleRun, sampleSpec } from '@eve/adapter-postgres/testing';
import { buildFailure } from '@eve/domain';
import { type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../testing/index.ts';
import type { LogLine, LogSubject, NewLogLine } from '../ports/logs.ts';

let test: TestPlatform;
let shop: SampleProject;
const at = new Date('2026-03-01T12:00:00.123Z');
const { signal } = new AbortController();

before(async () => {
  test = await testPlatform();
  shop = await sampleProject(test);
});

after(() => test[Symbol.asyncDispose]());

function line(text: string, step: string | null = null, attempt = 1): NewLogLine {
  return { at, attempt, service: 'web', step, stream: 'stdout', level: 'info', code: null, text };
}

function lines(from: number, to: number, step: string | null = null): NewLogLine[] {
  return Array.from({ length: to - from + 1 }, (_, index) => line(`line ${from + index}`, step));
}

/** A run that has failed. */
async function endedRun(): Promise<LogSubject> {
  const { store } = test.platform;
  const spec = sampleSpec(shop.project);
  await store.buildSpecs.insertOrGet(spec);
  const failure = buildFailure('build_error', 'It failed.');
  const run = sampleRun(spec, { status: 'failed', failure, startedAt: at, completedAt: at });
  await store.buildRuns.insert(run);
  return { tenantId: run.tenantId, id: run.id };
}

async function rowsOf({ id }: LogSubject): Promise<number> {
  const { rows } = await test.db.pool.query('select from log_chunks where subject_id = $1', [id]);
  return rows.length;
}

async function keysOf({ id }: LogSubject): Promise<string[]> {
  const { rows } = await test.db.pool.query<{ key: string }>(
    'select key from log_archives where subject_id = $1 order by first_sequence',
    [id],
  );
  return rows.map(({ key }) => key);
}

function texts(of: readonly LogLine[]): string[] {
  return of.map(({ sequence, text }) => `${sequence} ${text}`);
}

const archive = (limit = 10) => test.platform.logs.archive({ limit, signal });

describe('an archived log', () => {
  it('reads as before: any page, the last lines, a step, from wherever one has come to', async () => {
    const { logs } = test.platform;
    const subject = await endedRun();
    const written = [...lines(1, 1500, 'FROM'), ...lines(1501, 4700, 'RUN make'), ...lines(4701, 5003)].map(
      (one, index) => ({ ...one, attempt: index < 3100 ? 1 : 2 }),
    );
    for (let from = 0; from < written.length; from += 70)
      await logs.append(subject, written.slice(from, from + 70), null);
    const ranges = [
      {},
      { tail: 30 },
      { tail: 2400, limit: 3000 },
      { after: 999, limit: 3 },
      { after: 1400, limit: 2500 },
      { after: 5003 },
      { after: 5000 },
      { step: 'RUN make', limit: 10 },
      { step: 'RUN make', after: 4000, limit: 5000 },
      { step: 'RUN make', tail: 1200, limit: 5000 },
      { step: 'FROM', tail: 3 },
      { step: 'nothing' },
      { attempt: 2, limit: 4 },
      { attempt: 1, tail: 4 },
      { attempt: 2, step: 'RUN make', limit: 3000 },
      { attempt: 3 },
    ];
    const before = await Promise.all(ranges.map((range) => logs.read(subject, range)));

    assert.equal(await archive(), 1);

    assert.equal(await rowsOf(subject), 0);
    assert.deepEqual(await Promise.all(ranges.map((range) => logs.read(subject, range))), before);
    assert.deepEqual(
      [1, 12, 13, 14, 15].map((index) => [before[index]?.length, before[index]?.[0]?.sequence]),
      [
        [30, 4974],
        [4, 3101],
        [4, 3097],
        [1600, 3101],
        [0, undefined],
      ],
    );
    const run = await test.platform.store.buildRuns.get(subject.tenantId, subject.id as `brun_${string}`);
    assert.deepEqual([run.logsRef], await keysOf(subject));
    assert.equal(await archive(), 0);
  });

  it('is not one whose thing goes on', async () => {
    const spec = sampleSpec(shop.project);
    await test.platform.store.buildSpecs.insertOrGet(spec);
    const subject = { tenantId: spec.tenantId, id: test.platform.newId('brun') };
    await test.platform.logs.append(subject, lines(1, 3), null);

    assert.equal(await archive(), 0);
    assert.equal(await rowsOf(subject), 1);
  });

  it('takes a late line, which is moved as well', async () => {
    const { logs } = test.platform;
    const subject = await endedRun();
    await logs.append(subject, lines(1, 1200, 'RUN'), null);
    await archive();

    const last = await logs.append(subject, lines(1201, 1202, 'late'), null);
    const mixed = await Promise.all([
      logs.read(subject, { tail: 5 }),
      logs.read(subject, { after: 1198 }),
      logs.read(subject, { step: 'late' }),
      logs.read(subject, { step: 'RUN', tail: 2 }),
    ]);
    assert.equal(await archive(), 1);
    const moved = await Promise.all([
      logs.read(subject, { tail: 5 }),
      logs.read(subject, { after: 1198 }),
      logs.read(subject, { step: 'late' }),
      logs.read(subject, { step: 'RUN', tail: 2 }),
    ]);

    assert.equal(last, 1202);
    assert.deepEqual(mixed.map(texts), [
      [1198, 1199, 1200, 1201, 1202].map((n) => `${n} line ${n}`),
      [1199, 1200, 1201, 1202].map((n) => `${n} line ${n}`),
      ['1201 line 1201', '1202 line 1202'],
      ['1199 line 1199', '1200 line 1200'],
    ]);
    assert.deepEqual(moved, mixed);
    assert.equal((await keysOf(subject)).length, 2);
  });

  it('loses and doubles nothing when the move breaks off, or two do it at once', async () => {
    const { logs, blobs } = test.platform;
    const subject = await endedRun();
    await logs.append(subject, lines(1, 2500), null);
    const all = await logs.read(subject, { limit: 5000 });
    const { put } = blobs;
    blobs.put = async (...given) => {
      await put(...given);
      throw new Error('killed between the blob and its record');
    };
    await assert.rejects(archive(), /killed/);
    blobs.put = put;
    assert.deepEqual(await logs.read(subject, { limit: 5000 }), all);

    await logs.append(subject, lines(2501, 2502), null);
    await test.db.pool.query('update log_streams set archive_at = now()');
    const moved = await Promise.all([archive(), archive(), archive()]);

    assert.equal(
      moved.reduce((sum, count) => sum + count),
      1,
    );
    assert.equal(texts(await logs.read(subject, { limit: 5000 })).length, 2502);
    assert.equal((await keysOf(subject)).length, 1);
  });

  it('can be read all the time while it is moved', async () => {
    const { logs } = test.platform;
    const subject = await endedRun();
    for (let from = 1; from < 6000; from += 10) await logs.append(subject, lines(from, from + 9), null);
    let moving = true;
    const reading = Array.from({ length: 4 }, async () => {
      for (let rounds = 0; moving || rounds < 3; rounds++) {
        assert.equal((await logs.read(subject, { after: 5500, limit: 400 })).length, 400);
        assert.equal((await logs.read(subject, { tail: 30 })).length, 30);
      }
    });

    await archive();
    moving = false;

    await Promise.all(reading);
  });

  it('is followed like any other', async () => {
    const { logs } = test.platform;
    const subject = await endedRun();
    await logs.append(subject, lines(1, 2100), null);
    await archive();
    const stop = new AbortController();
    const seen: number[] = [];

    for await (const batch of logs.follow(subject, 50, stop.signal)) {
      seen.push(...batch.map(({ sequence }) => sequence));
      if (seen.at(-1) === 2100) await logs.append(subject, [line('late')], null);
      if (seen.at(-1) === 2101) stop.abort();
    }

    assert.deepEqual(
      seen,
      Array.from({ length: 2051 }, (_, index) => 51 + index),
    );
  });

  it('is deleted with its files', async () => {
    const { logs, blobs } = test.platform;
    const subject = await endedRun();
    await logs.append(subject, lines(1, 10), null);
    await archive();
    await logs.append(subject, lines(11, 12), null);
    const [key = ''] = await keysOf(subject);
    assert.equal(await blobs.has(key), true);

    await logs.delete(subject);
    await logs.delete(subject);

    assert.deepEqual(await logs.read(subject, {}), []);
    assert.equal(await blobs.has(key), false);
    assert.equal(await rowsOf(subject), 0);
  });

  it('gives fewer lines at once where they are very long, and none is left out', async () => {
    const { logs } = test.platform;
    const subject = await endedRun();
    const long = 'x'.repeat(1_000_000);
    for (let number = 1; number <= 20; number++) await logs.append(subject, [line(`${number} ${long}`)], null);
    const readAll = async () => {
      const seen: number[] = [];
      for (let page = await logs.read(subject, {}); page.length > 0; ) {
        assert.ok(page.length < 12, `${page.length} lines at once`);
        seen.push(...page.map(({ sequence }) => sequence));
        page = await logs.read(subject, { after: seen.at(-1) ?? 0 });
      }
      return seen;
    };
    const expected = Array.from({ length: 20 }, (_, index) => index + 1);

    assert.deepEqual(await readAll(), expected);
    assert.equal((await logs.read(subject, { tail: 15 })).at(-1)?.sequence, 20);
    await archive();
    assert.deepEqual(await readAll(), expected);
    assert.equal((await logs.read(subject, { tail: 15 })).at(-1)?.sequence, 20);
  });
});
