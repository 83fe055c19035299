import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PlatformError } from '@eve/domain';
import { patiently } from './patiently.ts';

const forEver = new AbortController().signal;
const away = new PlatformError('database_unavailable', 'The database does not answer.');
const lost = new PlatformError('lease_lost', 'The lease is gone.');

/** An act that fails with these errors, one after another, then answers. */
function failing(...errors: readonly Error[]): { act: () => Promise<string>; tries: () => number } {
  let tries = 0;
  return {
    act: async () => {
      const error = errors[tries++];
      if (error) throw error;
      return 'done';
    },
    tries: () => tries,
  };
}

it('repeats an act until the database is back', async () => {
  const { act, tries } = failing(away, away, away);

  assert.equal(await patiently(act, forEver), 'done');
  assert.equal(tries(), 4);
});

it('does not believe that a lease is gone right after an outage, when the heartbeat has not said so', async () => {
  const { act } = failing(away, lost, lost);

  assert.equal(await patiently(act, forEver), 'done');
});

it('passes every other answer on at once', async () => {
  const { act, tries } = failing(lost);
  const bug = failing(new Error('a bug'));

  await assert.rejects(patiently(act, forEver), lost);
  await assert.rejects(patiently(bug.act, forEver), /a bug/);
  assert.equal(tries(), 1);
});

it('ends with the signal, and with what the act said last', async () => {
  const ended = new AbortController();
  const { act } = failing(...Array.from({ length: 1_000 }, () => away));
  setTimeout(() => ended.abort(), 30);

  await assert.rejects(patiently(act, ended.signal), away);
});
