import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { keyFileVault, masterKey, vault } from '@eve/adapter-keys';
import { eachOnSampleProject, type SampleProject, type TestPlatform } from '../../testing/index.ts';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Vault } from '../ports/keys.ts';
import { deleteSecret } from './delete-secret.ts';
import { lostMasterKeys } from './lost-master-keys.ts';
import { resolveSecrets } from './resolve-secrets.ts';
import { type KeyRotation, rotateMasterKey } from './rotate-master-key.ts';
import { setSecret } from './set-secret.ts';

let test: TestPlatform;
let shop: SampleProject;
let operator: Caller;
let directory: string;
let path: string;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
  operator = { ...shop.caller, operator: true };
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eve-rotate-'));
  path = join(directory, 'master.key');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Another process on the same database: its vault has read the key file for itself. */
const process = async (own?: Vault): Promise<Platform> => ({
  ...test.platform,
  vault: own ?? (await keyFileVault(path)),
});
const set = (platform: Platform, key: string, value = `value of ${key}`) =>
  setSecret(platform, operator, { projectId: shop.project.id, key, value });
const values = async (platform: Platform, keys: readonly string[]) =>
  (await resolveSecrets(platform, shop.project, keys)).values;
const keysInDatabase = async () =>
  (
    await test.db.pool.query<{ key: string }>(`
      select distinct master_key_id || '/' || key_version as key from secret_versions
      union select distinct master_key_id || '/' || key_version from system_secret_versions`)
  ).rows.map(({ key }) => key);
const nameOf = ({ masterKeyId, keyVersion }: KeyRotation['key']) => `${masterKeyId}/${keyVersion}`;

describe('rotating the master key', () => {
  it('seals every value of every scope anew, revoked ones too, and forgets the former key', async () => {
    const server = await process();
    await set(server, 'A');
    await set(server, 'A', 'second');
    await set(server, 'GONE');
    await deleteSecret(server, operator, { projectId: shop.project.id, key: 'GONE' });
    await setSecret(server, operator, { projectId: null, key: 'B', value: 'organisation' });
    await setSecret(server, operator, { projectId: null, system: true, key: 'C', value: 'system' });
    const [before] = await keysInDatabase();
    const file = await readFile(path, 'utf8');

    const rotation = await rotateMasterKey(server, operator);

    assert.deepEqual(
      { ...rotation, key: null, forgotten: rotation.forgotten.map(nameOf) },
      { key: null, started: true, resealed: 5, remaining: 0, unreadable: [], forgotten: [before], done: true },
    );
    assert.deepEqual(await keysInDatabase(), [nameOf(rotation.key)]);
    assert.ok(!(await readFile(path, 'utf8')).includes(file.trim()));
    assert.deepEqual(await values(await process(), ['A', 'B', 'C']), { A: 'second', B: 'organisation', C: 'system' });
    const acts = await test.platform.store.transitions.list(operator.tenantId, nameOf(rotation.key));
    assert.deepEqual(
      acts.map(({ event, actor, from }) => [event, actor, from]),
      [['rotate', operator.actor, before]],
    );
  });

  it('goes on where it was killed, with the key it had made', async () => {
    const server = await process();
    for (let count = 0; count < 450; count++) await set(server, `KEY_${count}`);
    let left = 250;
    const dying = {
      ...server.vault,
      seal: (value: string) => (left-- > 0 ? server.vault.seal(value) : Promise.reject(new Error('killed'))),
    };
    await assert.rejects(rotateMasterKey(await process(dying), operator), /killed/);
    const half = await keysInDatabase();

    const restarted = await process();
    assert.equal(Object.keys(await values(restarted, ['KEY_0', 'KEY_449'])).length, 2);
    const rotation = await rotateMasterKey(restarted, operator);

    assert.equal(half.length, 2, 'one batch was sealed anew, one was taken back, one was not begun');
    assert.deepEqual([rotation.started, rotation.resealed, rotation.done], [false, 250, true]);
    assert.deepEqual(await keysInDatabase(), [nameOf(rotation.key)]);
    assert.ok(half.includes(nameOf(rotation.key)));
  });

  it('goes on after it was killed before it forgot the key, and makes no other one', async () => {
    const server = await process();
    await set(server, 'KEY');
    const dying = { ...server.vault, forget: () => Promise.reject(new Error('killed')) };
    await assert.rejects(rotateMasterKey(await process(dying), operator), /killed/);
    const [key] = await keysInDatabase();

    const rotation = await rotateMasterKey(await process(), operator);

    assert.deepEqual([rotation.started, rotation.resealed, rotation.done], [false, 0, true]);
    assert.equal(nameOf(rotation.key), key);
  });

  it('stops after its time and is asked again until it is done', async () => {
    const server = await process();
    for (let count = 0; count < 401; count++) await set(server, `KEY_${count}`);

    const steps: KeyRotation[] = [];
    do steps.push(await rotateMasterKey(server, operator, { forMs: 0 }));
    while (!steps.at(-1)?.done && steps.length < 9);

    assert.deepEqual(
      steps.map(({ resealed, remaining }) => [resealed, remaining]),
      [
        [200, 201],
        [200, 1],
        [1, 0],
      ],
    );
  });

  it('loses nothing that other processes seal and open meanwhile', async () => {
    const server = await process();
    for (let count = 0; count < 300; count++) await set(server, `OLD_${count}`);
    const others = [await process(), await process()];
    let rotating = true;
    const written: string[] = [];
    const busy = others.map(async (other, index) => {
      for (let count = 0; rotating || count < 20; count++) {
        const key = `NEW_${index}_${count}`;
        await set(other, key);
        written.push(key);
        const seen = await values(other, [key, `OLD_${count % 300}`]);
        assert.deepEqual(Object.values(seen), [`value of ${key}`, `value of OLD_${count % 300}`]);
      }
    });

    for (let round = 0; round < 3; round++) {
      let step: KeyRotation;
      do step = await rotateMasterKey(server, operator, { forMs: 20 });
      while (!step.done);
    }
    rotating = false;
    await Promise.all(busy);

    const { masterKeyId, keyVersion } = await server.vault.current();
    assert.deepEqual(await keysInDatabase(), [`${masterKeyId}/${keyVersion}`]);
    const all = await values(await process(), [...written, ...Array.from({ length: 300 }, (_, at) => `OLD_${at}`)]);
    assert.equal(Object.keys(all).length, written.length + 300);
    for (const [key, value] of Object.entries(all)) assert.equal(value, `value of ${key}`);
  });

  it('lets two operators rotate at the same time, as one', async () => {
    const [one, other] = [await process(), await process()];
    for (let count = 0; count < 250; count++) await set(one, `KEY_${count}`);

    await Promise.all([rotateMasterKey(one, operator), rotateMasterKey(other, operator)]);
    const last = await rotateMasterKey(one, operator);

    assert.deepEqual(await keysInDatabase(), [nameOf(last.key)]);
    assert.equal(Object.keys(await values(await process(), ['KEY_0', 'KEY_249'])).length, 2);
  });

  it('stores nothing that was sealed with a key which was retired in between', async () => {
    const [server, late] = [await process(), await process()];
    await set(server, 'KEY');
    const sealedBefore = await late.vault.seal('late');
    await rotateMasterKey(server, operator);
    let first = true;
    const slow = {
      ...late.vault,
      async seal(value: string) {
        if (!first) return late.vault.seal(value);
        first = false;
        return sealedBefore;
      },
    };

    await set(await process(slow), 'KEY', 'again');

    assert.equal((await keysInDatabase()).length, 1);
    assert.deepEqual(await values(server, ['KEY']), { KEY: 'again' });
    const stubborn = { ...late.vault, seal: async () => sealedBefore };
    await assert.rejects(set(await process(stubborn), 'KEY'), { code: 'record_changed', message: /was retired/ });
  });

  it('keeps the former key while a value cannot be opened, and seals all others anew', async () => {
    const server = await process();
    await set(server, 'BROKEN');
    await test.db.pool.query(`update secret_versions set ciphertext = 'AAAA'`);
    await set(server, 'GOOD');

    const rotation = await rotateMasterKey(server, operator);

    assert.deepEqual(
      [rotation.resealed, rotation.remaining, rotation.unreadable.length, rotation.done],
      [1, 1, 1, false],
    );
    assert.deepEqual(rotation.forgotten, []);
    assert.deepEqual(await values(await process(), ['GOOD']), { GOOD: 'value of GOOD' });
  });

  it('is told apart from a key that was lost, which a start says', async () => {
    const server = await process();
    await set(server, 'A');
    await set(server, 'B');
    const [key] = await keysInDatabase();
    const none = await lostMasterKeys(server);

    await rm(path);
    const lost = await lostMasterKeys(await process());

    assert.deepEqual(none, []);
    assert.deepEqual(
      lost.map((one) => nameOf(one)),
      [key],
    );
    const said = test.said.find(({ sentence }) => sentence.includes('a master key that is not here'));
    assert.deepEqual(said?.fields, { ...lost[0], values: 2 });
  });

  it('is for an operator only, and where the operator gives the key, it is the operator who changes it', async () => {
    const [before, now] = [masterKey(randomBytes(32)), masterKey(randomBytes(32))];
    const given = await process(vault(before));
    await set(given, 'KEY');
    await assert.rejects(rotateMasterKey(given, shop.caller), { code: 'caller_forbidden' });
    await assert.rejects(rotateMasterKey(given, operator), {
      code: 'key_not_rotatable',
      message: /EVE_MASTER_KEY_FORMER/,
    });

    const restarted = await process(vault(now, [before]));
    const rotation = await rotateMasterKey(restarted, operator);

    assert.deepEqual([rotation.started, rotation.resealed, rotation.done], [false, 1, true]);
    assert.deepEqual(await values(await process(vault(now)), ['KEY']), { KEY: 'value of KEY' });
  });
});
