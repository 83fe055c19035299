import assert from 'node:assert/strict';
import { it } from 'node:test';
import { newId } from '../testing/index.ts';
import { line, lines, logScene, range, sequences } from '../testing/log-scene.ts';
import { ensureLogPartitions } from './log-partitions.ts';

it('gives back every field of a line as it was written', async () => {
  await using place = await logScene();
  const written = [
    line('cloning', { service: null, step: 'clone', stream: 'platform', at: new Date('2026-03-01T11:00:00.001Z') }),
    line('no such file', { step: 'RUN make', stream: 'stderr', level: 'error', code: 'build_error', attempt: 2 }),
  ];

  const last = await place.logs.append(place.subject, written, null);

  assert.equal(last, 2);
  assert.deepEqual(
    await place.logs.read(place.subject, {}),
    written.map((one, index) => ({ ...one, sequence: index + 1 })),
  );
});

it('keeps lines of a log from other tenants', async () => {
  await using place = await logScene();
  const { tenantId } = await place.scene.tenant();
  await place.logs.append(place.subject, lines(3), null);

  assert.deepEqual(await place.logs.read({ ...place.subject, tenantId }, {}), []);
});

it('numbers lines without gaps and keeps batches whole when several append at once', async () => {
  await using place = await logScene();

  await Promise.all(
    range(1, 8).map(async (writer) => {
      for (let round = 0; round < 10; round++) {
        await place.logs.append(place.subject, lines(3, `${writer}.${round}`), null);
      }
    }),
  );

  const all = await place.logs.read(place.subject, {});
  assert.deepEqual(sequences(all), range(1, 240));
  for (let index = 0; index < 240; index += 3) {
    const [name] = all[index]?.text.split(' ') ?? [];
    assert.deepEqual(
      all.slice(index, index + 3).map(({ text }) => text),
      [`${name} 1`, `${name} 2`, `${name} 3`],
    );
  }
  for (const writer of range(1, 8)) {
    const rounds = all.filter(({ text }) => text.startsWith(`${writer}.`)).map(({ text }) => text);
    assert.deepEqual(rounds, rounds.toSorted(), 'the lines of one writer stand in the order of his appends');
  }
});

it('reads any page and the last lines of a long log that came in batches of all sizes', async () => {
  await using place = await logScene();
  for (const size of [1, 1700, 3, 499, 500, 501, 40, 2000]) await place.logs.append(place.subject, lines(size), null);

  const { logs, subject } = place;
  assert.deepEqual(sequences(await logs.read(subject, {})), range(1, 1000));
  assert.deepEqual(sequences(await logs.read(subject, { after: 1234, limit: 777 })), range(1235, 2011));
  assert.deepEqual(sequences(await logs.read(subject, { after: 5240 })), range(5241, 5244));
  assert.deepEqual(sequences(await logs.read(subject, { after: 5244 })), []);
  assert.deepEqual(sequences(await logs.read(subject, { tail: 30 })), range(5215, 5244));
  assert.deepEqual(sequences(await logs.read(subject, { tail: 30, after: 5240 })), range(5241, 5244));
  assert.deepEqual(sequences(await logs.read(subject, { tail: 9999, limit: 5 })), range(5240, 5244));
  assert.deepEqual(sequences(await logs.read(subject, { tail: 0 })), []);
});

it('reads the lines of one step alone', async () => {
  await using place = await logScene();
  for (let round = 0; round < 30; round++) {
    await place.logs.append(
      place.subject,
      [line('a', { step: 'one' }), line('b', { step: round % 2 ? 'two' : null })],
      null,
    );
  }

  const { logs, subject } = place;
  const two = range(1, 15).map((index) => index * 4);
  assert.deepEqual(sequences(await logs.read(subject, { step: 'two' })), two);
  assert.deepEqual(sequences(await logs.read(subject, { step: 'two', after: 8, limit: 3 })), [12, 16, 20]);
  assert.deepEqual(sequences(await logs.read(subject, { step: 'two', tail: 12 })), two.slice(3));
  assert.deepEqual(sequences(await logs.read(subject, { step: 'three' })), []);
});

it('takes characters that the database cannot keep', async () => {
  await using place = await logScene();
  const text = 'nul \0 half \ud83d pair \u{1f680} escape \\u0000';

  await place.logs.append(place.subject, [line(text, { step: 'a\0b' })], null);

  const [kept] = await place.logs.read(place.subject, { step: 'a\ufffdb' });
  assert.equal(kept?.text, 'nul \ufffd half \ufffd pair \u{1f680} escape \\u0000');
});

it('refuses lines under a lease that is gone and stores nothing of them', async () => {
  await using place = await logScene();
  const { logs, scene, subject } = place;
  await scene.add(await scene.tenant());
  const work = await scene.claim();
  assert.ok(work);
  assert.equal(await logs.append(subject, lines(2), work.lease, 'cursor 1'), 2);
  await scene.records.settle(work.lease);

  await assert.rejects(logs.append(subject, lines(2), work.lease, 'cursor 2'), { code: 'lease_lost' });
  await assert.rejects(logs.append({ ...subject, id: newId('brun') }, lines(2), work.lease), { code: 'lease_lost' });

  assert.deepEqual(sequences(await logs.read(subject, {})), [1, 2]);
  assert.equal(await logs.cursor(subject), 'cursor 1');
});

it("keeps the engine's cursor with the lines, and moves it without lines too", async () => {
  await using place = await logScene();
  const { logs, subject } = place;
  assert.equal(await logs.cursor(subject), null);

  await logs.append(subject, lines(1), null, 'one');
  await logs.append(subject, lines(1), null);
  assert.equal(await logs.cursor(subject), 'one');
  assert.equal(await logs.append(subject, [], null, 'two'), 2);

  assert.equal(await logs.cursor(subject), 'two');
});

it('keeps lines of days with and without a partition of their own', async () => {
  await using place = await logScene();
  const { logs, scene, subject } = place;
  await logs.append(subject, lines(2), null);

  // Today's lines are in the default partition by now; the days after get their own.
  await ensureLogPartitions(scene.db.pool, { at: new Date() });
  await ensureLogPartitions(scene.db.pool, { at: new Date() });
  const other = { ...subject, id: newId('brun') };
  await logs.append(subject, lines(2), null);
  await logs.append(other, lines(2), null);

  const partitions = await scene.db.database
    .sql`select inhrelid from pg_inherits where inhparent = 'log_chunks'::regclass`;
  assert.equal(partitions.length, 4);
  assert.deepEqual(sequences(await logs.read(subject, {})), [1, 2, 3, 4]);
  assert.deepEqual(sequences(await logs.read(other, { tail: 1 })), [2]);
});
