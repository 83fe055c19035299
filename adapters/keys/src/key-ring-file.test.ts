import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { masterKey } from './envelope.ts';
import { keyFileVault, vault } from './vault.ts';

let directory = '';
let count = 0;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eve-keys-test-'));
});

after(() => rm(directory, { recursive: true, force: true }));

const fresh = () => join(directory, String(count++), 'master.key');

it('makes the master key file once, for its user only, also when many ask at the same time', async () => {
  const path = fresh();

  const vaults = await Promise.all(Array.from({ length: 8 }, () => keyFileVault(path)));

  const names = await Promise.all(vaults.map(async (one) => (await one.current()).masterKeyId));
  assert.equal(new Set(names).size, 1);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(path, '..')), ['master.key']);
});

it('goes on with the file of before, which held one key', async () => {
  const path = join(directory, 'single.key');
  const bytes = randomBytes(32);
  const sealed = await vault(masterKey(bytes)).seal('hunter2');
  await writeFile(path, `${bytes.toString('base64')}\n`, { mode: 0o600 });

  const file = await keyFileVault(path);

  assert.equal(await file.open(sealed), 'hunter2');
  await file.rotate();
  assert.equal(await file.open(sealed), 'hunter2');
  assert.equal(await (await keyFileVault(path)).open(sealed), 'hunter2');
});

it('takes up in every process the key that one of them has made, and opens what any of them has sealed', async () => {
  const path = fresh();
  const [rotating, running] = [await keyFileVault(path), await keyFileVault(path)];
  const before = await running.seal('before');

  const made = await rotating.rotate();
  const sealed = await rotating.seal('after');

  assert.equal(await running.open(sealed), 'after');
  assert.equal((await running.seal('x')).masterKeyId, made.masterKeyId);
  assert.equal(await rotating.open(before), 'before');
  assert.deepEqual(await running.former(), [{ masterKeyId: before.masterKeyId, keyVersion: 1 }]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(path, '..')), ['master.key']);
});

it('forgets a former key in the file, not before it is told, and never the current one', async () => {
  const path = fresh();
  const file = await keyFileVault(path);
  const { masterKeyId, keyVersion } = await file.current();
  const sealed = await file.seal('hunter2');
  const bytes = (await readFile(path, 'utf8')).trim();
  const made = await file.rotate();

  await file.forget(masterKeyId, keyVersion);
  await file.forget(made.masterKeyId, made.keyVersion);

  assert.ok(!(await readFile(path, 'utf8')).includes(bytes));
  assert.deepEqual(await file.current(), made);
  assert.deepEqual(await file.former(), []);
  assert.equal(await file.open(sealed), 'hunter2', 'this process may have read it before');
  await assert.rejects((await keyFileVault(path)).open(sealed), /another master key/);
});

for (const [what, text] of Object.entries({
  'something else': 'no key',
  nothing: '',
  'half a ring': '{"keys": [{"id": "a", "ver',
  'no ring': '{"key": 1}',
  'an empty ring': '{"keys": []}',
  'a ring with another key under a name': JSON.stringify({
    keys: [{ id: 'a', version: 1, key: randomBytes(32).toString('base64') }],
  }),
})) {
  it(`refuses a master key file that holds ${what}, and leaves it as it is`, async () => {
    const path = join(directory, `wrong-${count++}.key`);
    await writeFile(path, text);

    await assert.rejects(keyFileVault(path), (error: Error) => {
      assert.match(error.message, /does not hold 32 bytes in base64.*Restore it from a backup/);
      assert.ok(text === '' || !error.message.includes(text.slice(0, 6)));
      return true;
    });

    assert.equal(await readFile(path, 'utf8'), text);
  });
}

it('says so when the file is damaged while it runs, and opens what it can', async () => {
  const path = fresh();
  const file = await keyFileVault(path);
  const sealed = await file.seal('hunter2');

  await writeFile(path, 'gone');

  assert.equal(await file.open(sealed), 'hunter2');
  await assert.rejects(file.seal('x'), /Restore it from a backup/);
  await assert.rejects(file.rotate(), /Restore it from a backup/);
  await assert.rejects(file.open({ ...sealed, masterKeyId: 'unknown' }), /Restore it from a backup/);

  await rm(path);

  await assert.rejects(file.seal('x'), /is gone. Restore it from a backup/);
  assert.deepEqual(await readdir(join(path, '..')), [], 'no other key takes its place');
});
