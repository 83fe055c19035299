import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import { scriptedLog } from '../testing/scripted.ts';
import { logEnds } from './log-ends.ts';
import type { OpenLog } from './operations.ts';

function countedLog() {
  const script = scriptedLog();
  let asked = 0;
  const log: OpenLog = {
    ...script.log,
    finished() {
      asked++;
      return script.log.finished();
    },
  };
  return { ...script, log, asked: () => asked };
}

it('asks once for all who follow a log, and tells them all its end', async () => {
  const { log, end, asked } = countedLog();
  const ends = logEnds();
  const watches = Array.from({ length: 100 }, () => ends.watch(log, null));

  end('completed');
  const told = await Promise.all(watches.map(({ ended }) => ended));

  assert.deepEqual(new Set(told.map(({ state }) => state)), new Set(['completed']));
  assert.ok(asked() <= 2, `asked ${asked()} times`);
});

it('tells the end also to who comes when the others have been told', async () => {
  const { log, end } = countedLog();
  const ends = logEnds();
  const first = ends.watch(log, null);
  end('failed');
  await first.ended;

  using second = ends.watch(log, null);

  assert.equal((await second.ended).state, 'failed');
});

it('says why a log waits until its first line, and asks no more when all have left', async () => {
  const { log, asked } = countedLog();
  const ends = logEnds();
  const [said, heard]: [(string | null)[], (string | null)[]] = [[], []];

  {
    using _first = ends.watch(log, (reason) => said.push(reason));
    using second = ends.watch(log, (reason) => heard.push(reason));
    second.heard();
    await delay(400);
  }
  const before = asked();
  await delay(400);

  assert.equal(said[0], 'Waiting at position 2: the builder is full.');
  assert.deepEqual(heard, []);
  assert.equal(asked(), before);
});

it('waits with its followers while the database is away, and tells any other failure', async () => {
  const { log } = scriptedLog();
  let asked = 0;
  const failing: OpenLog = {
    ...log,
    async finished() {
      if (++asked === 1) throw new PlatformError('database_unavailable', 'The database does not answer.');
      throw new Error('This is not known.');
    },
  };

  using watch = logEnds().watch(failing, null);

  await assert.rejects(watch.ended, /This is not known/);
  assert.equal(asked, 2);
});
