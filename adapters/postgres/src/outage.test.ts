import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isDownForEverybody } from './outage.ts';

function failed(code: string): Error {
  return Object.assign(new Error(code), { code });
}

it('takes refused connections and a server that starts for an outage of all', () => {
  for (const code of ['ECONNREFUSED', 'ENOENT', '57P03']) assert.ok(isDownForEverybody(failed(code)), code);
});

it('takes what may concern this worker alone for no outage', () => {
  const codes = ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'EPIPE', '08P01'];
  for (const code of [...codes, '57P01', '53300', '28P01']) assert.ok(!isDownForEverybody(failed(code)), code);
  assert.ok(!isDownForEverybody(new Error('timeout expired')));
  assert.ok(!isDownForEverybody(null));
});

it('wants every address of a name to have refused', () => {
  assert.ok(isDownForEverybody(new AggregateError([failed('ECONNREFUSED'), failed('ECONNREFUSED')])));
  assert.ok(!isDownForEverybody(new AggregateError([failed('ECONNREFUSED'), failed('ETIMEDOUT')])));
});
