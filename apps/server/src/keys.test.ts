import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openKeys } from './keys.ts';

const grant = { subject: 'brun_1', service: 'eve-registry', scopes: [] };
const away = { local: false, registry: true };

describe('the keys of an installation', () => {
  let directory = '';
  const config = (more: { dataDir?: string; EVE_KEYS_DIR?: string; EVE_MASTER_KEY?: string }) => ({
    ...{ dataDir: join(directory, 'data'), EVE_KEYS_DIR: undefined },
    ...{ EVE_MASTER_KEY: undefined, EVE_MASTER_KEY_FORMER: undefined, ...more },
  });
  /** As an operator makes it, with what openssl and printf have. */
  async function givenKeys(): Promise<string> {
    const given = await mkdtemp(join(directory, 'given-'));
    await writeFile(join(given, 'registry-logins.key'), randomBytes(32));
    await writeFile(join(given, 'master.key'), `${randomBytes(32).toString('base64')}\n`);
    const [key, certificate] = [join(given, 'token.key'), join(given, 'token.crt')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', '7300'];
    const names = ['-subj', '/CN=eve-api', '-keyout', key, '-out', certificate];
    await promisify(execFile)('openssl', [...request, ...names]);
    return given;
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eve-keys-test-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('are made in the data directory where none are given', async () => {
    const first = await openKeys(config({}), away);
    const again = await openKeys(config({}), away);

    assert.deepEqual(again.loginKey, first.loginKey);
    assert.equal(await again.vault.open(await first.vault.seal('hunter2')), 'hunter2');
    assert.equal(kidOf(await again.registryTokens?.sign(grant)), kidOf(await first.registryTokens?.sign(grant)));
  });

  it('are the same in processes with data directories of their own, and nothing is made', async () => {
    const EVE_KEYS_DIR = await givenKeys();
    const there = await readdir(EVE_KEYS_DIR);
    await chmod(EVE_KEYS_DIR, 0o500);
    const [one, two] = await Promise.all(
      ['one', 'two'].map((name) => openKeys(config({ EVE_KEYS_DIR, dataDir: join(directory, name) }), away)),
    );

    assert.deepEqual(one?.loginKey, two?.loginKey);
    assert.equal(await two?.vault.open((await one?.vault.seal('hunter2'))!), 'hunter2');
    assert.equal(kidOf(await one?.registryTokens?.sign(grant)), kidOf(await two?.registryTokens?.sign(grant)));
    assert.deepEqual(await readdir(EVE_KEYS_DIR), there);
    assert.equal((await readdir(directory)).includes('one'), false);
  });

  for (const name of ['master.key', 'registry-logins.key', 'token.key', 'token.crt']) {
    it(`are refused with the way to make it when a given directory has no ${name}`, async () => {
      const EVE_KEYS_DIR = await givenKeys();
      await rm(join(EVE_KEYS_DIR, name));

      const message = new RegExp(`must hold ${name}.*(openssl|token\\.key)`);
      await assert.rejects(openKeys(config({ EVE_KEYS_DIR }), away), { code: 'request_invalid', message });
    });
  }

  it('need neither a file that the environment stands for, nor one that nobody asks for', async () => {
    const EVE_KEYS_DIR = await givenKeys();
    for (const name of ['master.key', 'token.key', 'token.crt']) await rm(join(EVE_KEYS_DIR, name));
    const EVE_MASTER_KEY = randomBytes(32).toString('base64');

    const keys = await openKeys(config({ EVE_KEYS_DIR, EVE_MASTER_KEY }), { local: false, registry: false });

    assert.equal(keys.registryTokens, null);
  });

  it('are refused when a certificate is of another key, or a file is none', async () => {
    const [EVE_KEYS_DIR, other] = [await givenKeys(), await givenKeys()];
    await promisify(execFile)('cp', [join(other, 'token.crt'), EVE_KEYS_DIR]);
    await assert.rejects(openKeys(config({ EVE_KEYS_DIR }), away), /do not belong together/);

    await writeFile(join(EVE_KEYS_DIR, 'token.key'), 'hunter2');
    await assert.rejects(openKeys(config({ EVE_KEYS_DIR }), away), /must hold an RSA key in token\.key/);

    await writeFile(join(other, 'registry-logins.key'), 'short');
    await assert.rejects(openKeys(config({ EVE_KEYS_DIR: other }), away), /does not hold 32 bytes/);
  });

  it('are not given to an installation on one machine', async () => {
    const local = openKeys(config({ EVE_KEYS_DIR: directory }), { local: true, registry: true });

    await assert.rejects(local, { code: 'request_invalid', message: /npm start/ });
  });
});

function kidOf(signed: { token: string } | undefined): unknown {
  const [head = ''] = signed?.token.split('.') ?? [];
  return (JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: unknown }).kid;
}
