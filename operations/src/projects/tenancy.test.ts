import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import { encodeId, type Organisation, type PlatformError, type Scope, uuidV7 } from '@eve/domain';
import { scriptedDeployer } from '../../testing/index.ts';
import type { Caller } from '../caller.ts';
import * as o1 from '../exports-o1.ts';
import type { Platform } from '../platform.ts';

type Parts = Pick<Platform, 'store' | 'now' | 'newId' | 'settings' | 'vault' | 'blobs' | 'deployer'>;

const page = { limit: 20 };
const sha = 'a'.repeat(40);
const manifest = `services:\n  api: { build: ./api, environment: { URL: "\${secret.DB_URL}" } }\n`;

let database: TestDatabase;
let parts: Parts;
let at = new Date('2026-01-02T03:04:05.000Z');
let acme: { organisation: Organisation; caller: Caller };
let other: { organisation: Organisation; caller: Caller };

before(async () => {
  database = await testDatabase();
  const kept = new Map<string, number>();
  parts = {
    store: database.store,
    now: () => at,
    newId: (prefix) => encodeId(prefix, uuidV7(Date.now(), randomBytes(10))),
    // Only these settings are read by the operations under test.
    settings: { defaultTier: 'free', localSources: false, addresses: 'machine' } as Platform['settings'],
    deployer: scriptedDeployer(),
    vault: testVault(),
    blobs: {
      async put(key, bytes) {
        let sizeBytes = 0;
        for await (const chunk of bytes) sizeBytes += chunk.length;
        kept.set(key, sizeBytes);
        return { sizeBytes, sha256: '' };
      },
      get: async () => null,
      async *list() {},
      has: async (key) => kept.has(key),
      delete: async (key) => void kept.delete(key),
      deleteBelow: async () => {},
    },
  };
  acme = await makeTenant('acme');
  other = await makeTenant('other');
});

after(() => database[Symbol.asyncDispose]());

/** Seals with one key that lives as long as the test. */
function testVault(): Platform['vault'] {
  const key = randomBytes(32);
  const current = async () => ({ masterKeyId: 'test', keyVersion: 1 });
  return {
    current,
    former: async () => [],
    rotate: current,
    forget: async () => {},
    async seal(value) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const ciphertext = Buffer.concat([cipher.update(value), cipher.final(), cipher.getAuthTag()]).toString('base64');
      return { masterKeyId: 'test', keyVersion: 1, wrappedKey: 'test', nonce: nonce.toString('base64'), ciphertext };
    },
    async open({ nonce, ciphertext }) {
      const bytes = Buffer.from(ciphertext, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'));
      decipher.setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString();
    },
  };
}

async function makeTenant(name: string) {
  const system: Caller = { actor: 'system', tenantId: 'org_none', scopes: ['admin'], projectId: null, operator: true };
  const organisation = await o1.createOrganisation(parts, system, { name });
  return { organisation, caller: { ...system, tenantId: organisation.id, operator: false, actor: `token:${name}` } };
}

function limited(scopes: Scope[]): Caller {
  return { ...acme.caller, scopes };
}

async function makeProject() {
  return o1.createProject(parts, acme.caller, { name: 'Shop', slug: `p${randomBytes(5).toString('hex')}` });
}

describe('a token', () => {
  it('opens what it was made for, until it expires or is revoked', async () => {
    const { token, text } = await o1.createToken(parts, acme.caller, {
      name: 'ci',
      scopes: ['read', 'build'],
      expiresInDays: 1,
    });
    assert.match(text, /^eve_[A-Za-z0-9_-]{43}$/);
    assert.ok(!JSON.stringify(await o1.listTokens(parts, acme.caller, page)).includes(text));
    assert.deepEqual(await o1.authenticate(parts, text), {
      actor: 'token:ci',
      tenantId: acme.organisation.id,
      scopes: ['read', 'build'],
      projectId: null,
      operator: false,
    });

    at = new Date(at.getTime() + 2 * 86_400_000);
    await assert.rejects(o1.authenticate(parts, text), { code: 'token_expired' });
    await o1.revokeToken(parts, acme.caller, token.id);
    await assert.rejects(o1.authenticate(parts, text), { code: 'unauthenticated' });
    await assert.rejects(o1.authenticate(parts, 'eve_x'), { code: 'unauthenticated' });
    await assert.rejects(o1.revokeToken(parts, other.caller, token.id), { code: 'token_not_found' });
  });

  it('of the first organisation with every right operates the installation', async () => {
    const make = async (caller: Caller) =>
      (await o1.createToken(parts, caller, { name: 'root', scopes: ['admin'] })).text;

    assert.equal((await o1.authenticate(parts, await make(acme.caller))).operator, true);
    assert.equal((await o1.authenticate(parts, await make(other.caller))).operator, false);
    await assert.rejects(o1.createOrganisation(parts, other.caller, { name: 'third' }), { code: 'caller_forbidden' });
  });

  it('of one project reaches that project only', async () => {
    const [mine, another] = [await makeProject(), await makeProject()];
    const { text } = await o1.createToken(parts, acme.caller, { name: 'one', scopes: ['admin'], projectId: mine.id });
    const caller = await o1.authenticate(parts, text);

    assert.equal((await o1.getProject(parts, caller, mine.slug)).id, mine.id);
    await assert.rejects(o1.getProject(parts, caller, another.id), { code: 'project_not_found' });
    await assert.rejects(o1.setSecret(parts, caller, { projectId: null, key: 'A', value: 'x' }), {
      code: 'caller_forbidden',
    });
    await assert.rejects(o1.createProject(parts, caller, { name: 'New' }), { code: 'caller_forbidden' });
  });
});

describe('a project', () => {
  it('is found by id and slug, and not by another organisation', async () => {
    const project = await makeProject();

    assert.deepEqual(await o1.getProject(parts, acme.caller, project.slug), project);
    for (const name of [project.id, project.slug]) {
      await assert.rejects(o1.getProject(parts, other.caller, name), { code: 'project_not_found' });
    }
    await assert.rejects(o1.createProject(parts, acme.caller, { name: 'x', slug: project.slug }), {
      code: 'project_exists',
    });
    await assert.rejects(o1.updateProject(parts, limited(['read']), project.id, { name: 'y' }), {
      code: 'caller_forbidden',
    });
  });

  it('is made once, takes a repository when it has none, and refuses another one', async () => {
    const request = { name: 'Ensured', repoUrl: 'https://github.com/acme/shop' };
    assert.equal((await o1.ensureProject(parts, acme.caller, { name: 'Ensured' })).created, true);

    const { project, created } = await o1.ensureProject(parts, acme.caller, request);

    assert.deepEqual([created, project.repoUrl, project.slug], [false, request.repoUrl, 'ensured']);
    const another = { ...request, repoUrl: 'https://github.com/acme/other' };
    await assert.rejects(o1.ensureProject(parts, acme.caller, another), { code: 'project_exists' });
  });
});

describe('a manifest', () => {
  it('is kept once for any number of commits', async () => {
    const { id } = await makeProject();
    const first = await o1.syncManifest(parts, acme.caller, id, { yaml: manifest, gitSha: sha, validateSecrets: true });
    const second = await o1.syncManifest(parts, acme.caller, id, {
      yaml: manifest,
      gitSha: 'b'.repeat(40),
      branch: 'main',
    });

    assert.deepEqual(first.missingSecrets, ['DB_URL']);
    assert.equal(second.record.id, first.record.id);
    const shas = await parts.store.manifests.shasOf(acme.organisation.id, id, first.record.hash);
    assert.deepEqual([...shas].sort(), [sha, 'b'.repeat(40)]);
    assert.equal((await o1.latestManifest(parts, acme.caller, id))?.gitSha, 'b'.repeat(40));
  });

  it('with errors is refused with their lines, and nothing is kept', async () => {
    const { id } = await makeProject();

    await assert.rejects(
      o1.syncManifest(parts, acme.caller, id, { yaml: 'services:\n  a: {}\n' }),
      (error: PlatformError) => {
        return error.code === 'manifest_invalid' && error.details[0]?.line === 2;
      },
    );
    await assert.rejects(o1.syncManifest(parts, acme.caller, id, { yaml: manifest, gitSha: 'A1' }), {
      code: 'request_invalid',
    });
    await assert.rejects(o1.syncManifest(parts, acme.caller, id, { yaml: manifest, strict: true }), {
      code: 'secret_missing',
    });
    assert.equal(await o1.latestManifest(parts, acme.caller, id), null);
    await assert.rejects(o1.validateManifest(parts, acme.caller, id, {}), { code: 'manifest_not_found' });
  });

  it('that does not fit together is synced with a warning and refused by validation', async () => {
    const { id } = await makeProject();
    const yaml = 'registry: none\nservices: { api: { build: . } }\n';

    assert.equal((await o1.syncManifest(parts, acme.caller, id, { yaml })).warnings.length, 1);
    const { valid, errors, warnings } = await o1.validateManifest(parts, acme.caller, id, {});
    assert.deepEqual([valid, errors.length, warnings.length], [false, 1, 0]);
  });
});

describe('a secret', () => {
  it('is masked, resolved project first, pinned by version, and gone when deleted', async () => {
    const project = await makeProject();
    const set = (projectId: typeof project.id | null, value: string) =>
      o1.setSecret(parts, acme.caller, { projectId, key: 'DB_URL', value });
    await set(null, 'of the organisation');
    const old = await set(project.id, 'first value');
    const current = await set(project.id, 'second value');
    const resolve = (pinned = {}) => o1.resolveSecrets(parts, project, ['DB_URL', 'NONE'], pinned);

    assert.equal(old.id, current.id);
    assert.equal(
      (await o1.showSecret(parts, acme.caller, { projectId: project.id, key: 'DB_URL' })).masked,
      'seco****alue',
    );
    assert.deepEqual(await resolve(), {
      values: { DB_URL: 'second value' },
      versions: { DB_URL: current.currentVersionId },
      missing: ['NONE'],
    });
    assert.deepEqual((await resolve({ DB_URL: old.currentVersionId })).values, { DB_URL: 'first value' });

    await o1.deleteSecret(parts, acme.caller, { projectId: project.id, key: 'DB_URL' });

    assert.deepEqual((await resolve({ DB_URL: old.currentVersionId })).values, { DB_URL: 'of the organisation' });
    assert.deepEqual(
      await o1.missingSecrets(parts, other.caller, project.id, ['X']).catch(({ code }) => code),
      'project_not_found',
    );
    const history = await parts.store.transitions.list(acme.organisation.id, old.id);
    assert.deepEqual(history.map(({ event }) => event).sort(), ['delete', 'set', 'set']);
    assert.ok(!JSON.stringify(history).includes('value'));
  });

  it('needs a name that an environment may carry, and a value', async () => {
    const { id: projectId } = await makeProject();

    await assert.rejects(o1.setSecret(parts, acme.caller, { projectId, key: 'A-B', value: 'x' }), {
      code: 'secret_name_invalid',
    });
    await assert.rejects(o1.setSecret(parts, acme.caller, { projectId, key: 'A', value: '' }), {
      code: 'request_invalid',
    });
    await assert.rejects(o1.deleteSecret(parts, acme.caller, { projectId, key: 'A' }), { code: 'secret_not_found' });
  });
});

describe('an environment', () => {
  it('begins with an empty configuration, and can be suspended and resumed', async () => {
    const { id: projectId } = await makeProject();
    const made = await o1.createEnvironment(parts, acme.caller, { projectId, name: 'test' });

    const suspended = await o1.setSuspended(parts, acme.caller, { projectId, name: 'test', suspended: true });

    assert.equal(suspended.status, 'suspended');
    assert.equal((await o1.getConfiguration(parts, acme.caller, projectId, 'test'))?.number, 1);
    assert.equal((await o1.listConfigurations(parts, acme.caller, projectId, 'test', page)).items.length, 1);
    assert.deepEqual((await o1.listEnvironments(parts, acme.caller, projectId, page)).items[0]?.id, made.id);
    const again = o1.createEnvironment(parts, acme.caller, { projectId, name: 'test' });
    await assert.rejects(again, { code: 'environment_exists' });
    await assert.rejects(o1.getEnvironment(parts, acme.caller, projectId, 'prod'), {
      code: 'environment_not_found',
      message: /it has test/,
    });
    await assert.rejects(o1.createEnvironment(parts, acme.caller, { projectId, name: 'Prod' }), {
      code: 'request_invalid',
    });
  });
});

describe('an uploaded source', () => {
  it('is kept under its project and commit', async () => {
    const { id } = await makeProject();
    const bytes = (async function* () {
      yield new Uint8Array(3);
    })();

    assert.deepEqual(await o1.uploadSource(parts, acme.caller, id, { sha, bytes }), { sha, sizeBytes: 3 });
    assert.ok(await parts.blobs.has(`sources/${id}/${sha}.pack`));
    await assert.rejects(o1.uploadSource(parts, acme.caller, id, { sha: 'main', bytes }), { code: 'request_invalid' });
  });
});
