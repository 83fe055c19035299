import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import type { LogLine } from '@eve/operations';
import { line, lines, logScene, range, sequences, take } from '../testing/log-scene.ts';
import { logFollower } from './log-follower.ts';
import { postgresLogs } from './logs.ts';

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
