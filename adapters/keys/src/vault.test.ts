import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { SealedValue } from '@eve/domain';
import { openMasterKey } from './master-key.ts';
import { vault } from './vault.ts';

const key = { id: 'a', version: 1, bytes: randomBytes(32) };
let directory = '';

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eve-keys-test-'));
});

after(() => rm(directory, { recursive: true, force: true }));

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

it('makes the master key file once, for its user only, also when many ask at the same time', async () => {
  const path = join(directory, 'keys', 'master.key');

  const keys = await Promise.all(Array.from({ length: 8 }, () => openMasterKey(path)));

  assert.equal(new Set(keys.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size, 1);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(directory, 'keys')), ['master.key']);
});

it('refuses a master key file that holds something else', async () => {
  const path = join(directory, 'wrong.key');
  await writeFile(path, 'no key');

  await assert.rejects(openMasterKey(path), /does not hold 32 bytes/);
});
