import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import type { LogLine, Logs, NewLogLine } from '@eve/operations';
import { newId } from '../testing/index.ts';
import { type QueueScene, queueScene } from '../testing/queue-scene.ts';
import { logFollower } from './log-follower.ts';
import { ensureLogPartitions } from './log-partitions.ts';
import { postgresLogs } from './logs.ts';

const at = new Date('2026-03-01T12:00:00.123Z');

function line(text: string, fields: Partial<NewLogLine> = {}): NewLogLine {
  return { at, attempt: 1, service: 'web', step: null, stream: 'stdout', level: 'info', code: null, text, ...fields };
}

function lines(count: number, prefix = 'line'): NewLogLine[] {
  return Array.from({ length: count }, (_, index) => line(`${prefix} ${index + 1}`));
}

interface LogScene extends AsyncDisposable {
  readonly scene: QueueScene;
  readonly logs: Logs;
  readonly subject: Parameters<Logs['append']>[0];
}

async function logScene({ pollMs }: { pollMs?: number } = {}): Promise<LogScene> {
  const scene = await queueScene();
  const { tenantId } = await scene.tenant();
  const logs = postgresLogs(scene.db.pool, { notifications: scene.notifications, pollMs });
  return {
    scene,
    logs,
    subject: { tenantId, id: newId('brun') },
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

async function take(from: AsyncIterable<readonly LogLine[]>, count: number): Promise<LogLine[]> {
  const taken: LogLine[] = [];
  for await (const batch of from) {
    taken.push(...batch);
    if (taken.length >= count) break;
  }
  return taken;
}

function sequences(of: readonly LogLine[]): number[] {
  return of.map(({ sequence }) => sequence);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

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

it('gives followers what is there and then every new line once, in order', async () => {
  await using place = await logScene({ pollMs: 60_000 });
  const { logs, subject } = place;
  await logs.append(subject, lines(2300), null);
  const stop = new AbortController();

  const following = [0, 5, 2299].map((after) => take(logs.follow(subject, after, stop.signal), 2500 - after));
  for (let index = 0; index < 100; index++) {
    await logs.append(subject, lines(2), null);
    if (index % 10 === 0) await delay(5);
  }

  const taken = await Promise.all(following);
  assert.deepEqual(taken.map(sequences), [range(1, 2500), range(6, 2500), range(2300, 2500)]);
});

it('reads once for all who are at the same line, and gives them the same lines', async () => {
  await using place = await logScene();
  const { logs, scene, subject } = place;
  let reads = 0;
  const follow = logFollower({
    notifications: scene.notifications,
    pollMs: 60_000,
    async read(of, after) {
      reads++;
      return logs.read(of, { after });
    },
  });
  await logs.append(subject, lines(1), null);

  const following = range(1, 50).map(() => take(follow(subject, 0, new AbortController().signal), 21));
  for (let index = 0; index < 20; index++) {
    await delay(10);
    await logs.append(subject, lines(1), null);
  }

  const taken = await Promise.all(following);
  for (const one of taken) assert.deepEqual(sequences(one), range(1, 21));
  assert.equal(new Set(taken.map((one) => one.at(-1))).size, 1);
  assert.ok(reads < 50, `${reads} reads`);
});

it('gives a follower who was slow for a long time all that he missed', async () => {
  await using place = await logScene({ pollMs: 60_000 });
  const { logs, subject } = place;
  const signal = new AbortController().signal;
  const slow: LogLine[] = [];
  const long = 'x'.repeat(100_000);

  const quick = take(logs.follow(subject, 0, signal), 200);
  const following = (async () => {
    for await (const batch of logs.follow(subject, 0, signal)) {
      slow.push(...batch);
      if (slow.length === batch.length) await quick;
      if (slow.length >= 200) return;
    }
  })();
  for (let index = 0; index < 100; index++) {
    await logs.append(subject, [line(long), line('short')], null);
    await delay(2);
  }
  await following;

  assert.deepEqual(sequences(await quick), range(1, 200));
  assert.deepEqual(sequences(slow), range(1, 200));
});

it('serves a follower from the start beside one who asked for lines that are not there yet', async () => {
  await using place = await logScene({ pollMs: 60_000 });
  const { logs, subject } = place;
  await logs.append(subject, lines(5), null);

  const ahead = take(logs.follow(subject, 8, new AbortController().signal), 4);
  await delay(30);
  const all = take(logs.follow(subject, 0, new AbortController().signal), 12);
  await delay(30);
  for (let index = 0; index < 7; index++) await logs.append(subject, lines(1), null);

  assert.deepEqual(sequences(await ahead), range(9, 12));
  assert.deepEqual(sequences(await all), range(1, 12));
});

it('tells all followers why a read failed, and begins anew for the next', async () => {
  await using place = await logScene();
  const { logs, scene, subject } = place;
  let broken = false;
  const follow = logFollower({
    notifications: scene.notifications,
    pollMs: 60_000,
    async read(of, after) {
      if (broken) throw new Error('This read failed.');
      return logs.read(of, { after });
    },
  });
  const signal = new AbortController().signal;

  const following = [0, 0, 0].map((after) => take(follow(subject, after, signal), 5));
  const failing = Promise.all(following.map((one) => assert.rejects(one, /This read failed/)));
  await delay(100);
  broken = true;
  await logs.append(subject, lines(2), null);
  await failing;
  broken = false;

  assert.deepEqual(sequences(await take(follow(subject, 0, signal), 2)), [1, 2]);
});

it('follows on after its connection broke', async () => {
  await using place = await logScene({ pollMs: 60_000 });
  const { logs, scene, subject } = place;
  const stop = new AbortController();
  const following = take(logs.follow(subject, 0, stop.signal), 20);
  for (let index = 0; index < 10; index++) await logs.append(subject, lines(1), null);

  await scene.db.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'eve-listen' and datname = current_database()`,
  );
  for (let index = 0; index < 10; index++) await logs.append(subject, lines(1), null);

  assert.deepEqual(sequences(await following), range(1, 20));
});

it('finds lines by its slow poll when no notification comes', async () => {
  await using place = await logScene({ pollMs: 30 });
  const { scene, subject } = place;
  const silent = { ...scene.notifications, send() {} };
  const logs = postgresLogs(scene.db.pool, { notifications: silent, pollMs: 30 });
  const stop = new AbortController();

  const following = take(logs.follow(subject, 0, stop.signal), 3);
  await delay(50);
  await logs.append(subject, lines(3), null);

  assert.deepEqual(sequences(await following), [1, 2, 3]);
});

it('follows on when the database was away for a while', async () => {
  await using place = await logScene();
  const { logs, scene, subject } = place;
  let reads = 0;
  const follow = logFollower({
    notifications: scene.notifications,
    pollMs: 20,
    async read(of, after) {
      if (++reads <= 3) throw new PlatformError('database_unavailable', 'The database does not answer.');
      return logs.read(of, { after });
    },
  });
  await logs.append(subject, lines(3), null);

  const taken = await take(follow(subject, 0, new AbortController().signal), 3);

  assert.deepEqual(sequences(taken), [1, 2, 3]);
});

it('ends a follow of a silent log with its signal', async () => {
  await using place = await logScene();
  const stop = new AbortController();
  const following = take(place.logs.follow(place.subject, 0, stop.signal), 1);

  setTimeout(() => stop.abort(), 20);

  assert.deepEqual(await following, []);
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
