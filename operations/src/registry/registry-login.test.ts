import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RegistrySetting } from '@eve/domain';
import { type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../testing/index.ts';
import { loginFor, registryLogins } from './registry-login.ts';

let test: TestPlatform;
let projects = 0;

before(async () => {
  test = await testPlatform();
});
after(() => test[Symbol.asyncDispose]());

const names = { namespace: null, usernameSecret: 'REGISTRY_USERNAME', tokenSecret: 'REGISTRY_PASSWORD' };
const own = (host: string, more: Partial<Extract<RegistrySetting, { mode: 'own' }>> = {}): RegistrySetting => ({
  ...{ mode: 'own', host },
  ...names,
  ...more,
});

/** The logins of a new project that has these secrets. */
async function loginsOf(registry: RegistrySetting, secrets: Record<string, string> = {}) {
  projects += 1;
  const { organisation, project, secret }: SampleProject = await sampleProject(test, `acme${projects}`);
  for (const [name, value] of Object.entries(secrets)) await secret(name, value);
  const owner = { organisation: organisation.slug, project: project.slug, tenantId: organisation.id };
  const grant = { subject: 'brun_1', actions: ['pull', 'push'] as const, expiresAt: new Date(Date.now() + 60_000) };
  return registryLogins(test.platform, { registry }, { ...owner, projectId: project.id }, grant);
}

const both = { REGISTRY_USERNAME: 'new', REGISTRY_PASSWORD: 'secret' };
const old = { GHCR_USERNAME: 'old', GHCR_TOKEN: 'older secret' };
const usersAt = (logins: Awaited<ReturnType<typeof loginsOf>>, host: string) =>
  logins.filter((login) => login.host === host).map(({ username }) => username);

describe('the logins of a project', () => {
  it('stand under the key by which Docker knows a registry', async () => {
    const hub = await loginsOf(own('docker.io/acme'), both);
    const other = await loginsOf(own('public.ecr.aws/w7c4v0w3'), both);

    assert.deepEqual(usersAt(hub, 'https://index.docker.io/v1/'), ['new']);
    assert.deepEqual(usersAt(other, 'public.ecr.aws'), ['new']);
    const place = { registry: 'docker.io', repository: 'acme/web' };
    assert.equal(loginFor(hub, place, test.platform.settings)?.username, 'new');
    assert.equal(loginFor(other, place, test.platform.settings), null);
  });

  it('are of the newer names before those of old, and never a mixture', async () => {
    assert.deepEqual(usersAt(await loginsOf(own('ghcr.io'), { ...both, ...old }), 'ghcr.io'), ['new']);
    assert.deepEqual(usersAt(await loginsOf(own('ghcr.io'), old), 'ghcr.io'), ['old']);
    assert.deepEqual(usersAt(await loginsOf(own('ghcr.io'), { REGISTRY_USERNAME: 'new', ...old }), 'ghcr.io'), ['old']);
    const halves = { REGISTRY_USERNAME: 'new', GHCR_TOKEN: 'older secret' };
    assert.deepEqual(usersAt(await loginsOf(own('ghcr.io'), halves), 'ghcr.io'), []);
  });

  it('are those the manifest names, and then no others', async () => {
    const registry = own('quay.io', { usernameSecret: 'QUAY_USER', tokenSecret: 'QUAY_TOKEN' });

    assert.deepEqual(usersAt(await loginsOf(registry, { QUAY_USER: 'me', QUAY_TOKEN: 'x' }), 'quay.io'), ['me']);
    assert.deepEqual(usersAt(await loginsOf(registry, { ...both, ...old }), 'quay.io'), []);
  });

  it('are Eve’s own for the registry that it runs, and none where the manifest says none', async () => {
    const { registryHost } = test.platform.settings;

    assert.deepEqual(usersAt(await loginsOf({ mode: 'eve' }, both), registryHost ?? ''), ['brun_1']);
    assert.deepEqual(await loginsOf({ mode: 'none' }, { ...both, ...old }), []);
  });
});
