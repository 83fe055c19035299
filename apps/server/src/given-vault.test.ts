import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { masterKey, vault } from '@eve/adapter-keys';
import { givenVault } from './given-vault.ts';

const key = () => randomBytes(32).toString('base64');

it('gives none where no key is given', () => {
  assert.equal(givenVault({ EVE_MASTER_KEY: undefined, EVE_MASTER_KEY_FORMER: undefined }), null);
});

it('opens what the same key sealed before it had a name of its own, and says how it is changed', async () => {
  const text = key();
  const sealed = await vault({ id: 'environment', version: 1, bytes: Buffer.from(text, 'base64') }).seal('hunter2');

  const given = givenVault({ EVE_MASTER_KEY: text, EVE_MASTER_KEY_FORMER: undefined });

  assert.equal(await given?.open(sealed), 'hunter2');
  assert.deepEqual(await given?.former(), []);
  await assert.rejects(given?.rotate() ?? Promise.resolve(), { code: 'key_not_rotatable' });
});

it('opens with a former key all that it has ever sealed, and seals with the new one', async () => {
  const [before, now] = [key(), key()];
  const bytes = Buffer.from(before, 'base64');
  const unnamed = await vault({ id: 'environment', version: 1, bytes }).seal('first');
  const named = await vault(masterKey(bytes)).seal('second');

  const given = givenVault({ EVE_MASTER_KEY: now, EVE_MASTER_KEY_FORMER: before });

  assert.equal(await given?.open(unnamed), 'first');
  assert.equal(await given?.open(named), 'second');
  assert.equal((await given?.former())?.length, 2);
  const sealed = await given?.seal('third');
  assert.equal(sealed?.masterKeyId, masterKey(Buffer.from(now, 'base64')).id);
});

it('refuses keys that are none, both the same, or a former one alone, and shows nothing of them', () => {
  const text = key();
  for (const [wrong, message] of [
    [{ EVE_MASTER_KEY: 'short', EVE_MASTER_KEY_FORMER: undefined }, /EVE_MASTER_KEY must be the base64/],
    [{ EVE_MASTER_KEY: text, EVE_MASTER_KEY_FORMER: 'short' }, /EVE_MASTER_KEY_FORMER must be the base64/],
    [{ EVE_MASTER_KEY: text, EVE_MASTER_KEY_FORMER: text }, /are the same key/],
    [{ EVE_MASTER_KEY: undefined, EVE_MASTER_KEY_FORMER: text }, /give both/],
  ] as const) {
    assert.throws(() => givenVault(wrong), { code: 'request_invalid', message });
  }
});
