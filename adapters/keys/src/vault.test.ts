import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import type { SealedValue } from '@eve/domain';
import { vault } from './vault.ts';

const key = { id: 'a', version: 1, bytes: randomBytes(32) };
for (const value of ['', 'hunter2', 'schlüssel 🔑\n', 'x'.repeat(100_000)]) {
  it(`opens what it sealed (${value.length} characters)`, async () => {
    assert.equal(await vault(key).open(await vault(key).seal(value)), value);
  });
}

it('seals equal values differently and shows nothing of them', async () => {
  const [first, second] = [await vault(key).seal('hunter2'), await vault(key).seal('hunter2')];

  assert.notEqual(first.ciphertext, second.ciphertext);
  assert.notEqual(first.wrappedKey, second.wrappedKey);
  assert.ok(!Buffer.from(first.ciphertext, 'base64').includes('hunter2'));
});

it('does not open with another key, also when that claims the same name', async () => {
  const sealed = await vault(key).seal('hunter2');

  await assert.rejects(vault({ ...key, id: 'b' }).open(sealed), /another master key/);
  await assert.rejects(vault({ ...key, bytes: randomBytes(32) }).open(sealed), /cannot be opened/);
});

it('opens with a former key what was sealed before a rotation', async () => {
  const sealed = await vault(key).seal('hunter2');
  const rotated = vault({ id: 'b', version: 2, bytes: randomBytes(32) }, [key]);

  assert.equal(await rotated.open(sealed), 'hunter2');
  assert.equal((await rotated.seal('x')).masterKeyId, 'b');
});

for (const field of ['wrappedKey', 'nonce', 'ciphertext'] as const) {
  it(`notices a changed ${field}`, async () => {
    const sealed = await vault(key).seal('hunter2');
    const bytes = Buffer.from(sealed[field], 'base64');
    bytes[bytes.length - 1]! ^= 1;
    const changed: SealedValue = { ...sealed, [field]: bytes.toString('base64') };

    await assert.rejects(vault(key).open(changed), /cannot be opened/);
    await assert.rejects(vault(key).open({ ...sealed, [field]: '' }), /cannot be opened/);
  });
}

it('says how an operator changes a key that is given, and forgets the former one when told', async () => {
  const sealed = await vault(key).seal('hunter2');
  const given = vault({ id: 'b', version: 2, bytes: randomBytes(32) }, [key]);

  await assert.rejects(given.rotate(), { code: 'key_not_rotatable', message: /EVE_MASTER_KEY_FORMER/ });
  assert.deepEqual(await given.former(), [{ masterKeyId: 'a', keyVersion: 1 }]);
  await given.forget('a', 1);

  assert.deepEqual(await given.former(), []);
  // What was read before may still be opened.
  assert.equal(await given.open(sealed), 'hunter2');
});

it('tries every key of a name', async () => {
  const other = { ...key, bytes: randomBytes(32) };
  const sealed = await vault(key).seal('hunter2');

  assert.equal(await vault({ id: 'b', version: 1, bytes: randomBytes(32) }, [other, key]).open(sealed), 'hunter2');
});
