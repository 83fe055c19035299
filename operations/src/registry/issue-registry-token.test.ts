import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RegistryScope } from '@eve/domain';
import { type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../testing/index.ts';
import type { Platform } from '../platform.ts';
import { issueInternalRegistryToken, issueRegistryToken } from './issue-registry-token.ts';

let test: TestPlatform;
let shop: SampleProject;
let platform: Platform;
let granted: readonly RegistryScope[] = [];

before(async () => {
  test = await testPlatform({ internalApiKey: 'internal-key' });
  shop = await sampleProject(test);
  platform = {
    ...test.platform,
    registryTokens: {
      async sign({ scopes }) {
        granted = scopes;
        return { token: 'signed', expiresInSeconds: 300, issuedAt: new Date() };
      },
    },
  };
});

after(() => test[Symbol.asyncDispose]());

const scopes = [
  'repository:acme/shop/web:pull,push',
  'repository:acme/other/web:pull',
  'repository:library/nginx:pull,push',
];
const ask = async (username?: string, password?: string) => {
  await issueRegistryToken(platform, { username, password, service: 'eve-registry', scopes });
  return granted.map(({ name, actions }) => `${name}:${actions.join(',')}`);
};

describe('a registry token', () => {
  it('opens for a run’s password what the run’s project owns, until it ends', async () => {
    const grant = {
      tenantId: shop.caller.tenantId,
      subject: 'brun_1',
      prefix: 'acme/shop/',
      actions: ['pull'],
    } as const;
    const login = await platform.registryLogins.issue({ ...grant, expiresAt: new Date(Date.now() + 60_000) });
    const old = await platform.registryLogins.issue({ ...grant, expiresAt: new Date(Date.now() - 1) });

    assert.deepEqual(await ask(login.username, login.password), ['acme/shop/web:pull', 'library/nginx:pull']);
    await assert.rejects(ask(old.username, old.password), { code: 'unauthenticated' });
    await assert.rejects(ask('brun_2', login.password), { code: 'unauthenticated' });
  });

  it('opens only base images for nobody, and everything for a worker', async () => {
    assert.deepEqual(await ask(), ['library/nginx:pull']);
    assert.deepEqual(await ask('eve', 'internal-key'), [
      'acme/shop/web:pull,push',
      'acme/other/web:pull',
      'library/nginx:pull,push',
    ]);
  });

  it('is given to workers for the scopes they name, and to nobody without the key', async () => {
    await issueInternalRegistryToken(platform, {
      internalKey: 'internal-key',
      service: '',
      scopes: ['repository:a/b:pull'],
    });

    assert.deepEqual(granted, [{ type: 'repository', name: 'a/b', actions: ['pull'] }]);
    const wrong = { internalKey: 'other', service: '', scopes: ['repository:a/b:pull'] };
    await assert.rejects(issueInternalRegistryToken(platform, wrong), { code: 'unauthenticated' });
    const scopes = ['repository:acme/shop/web:pull,push', 'repository:acme/shopping/web:pull'];
    await issueInternalRegistryToken(platform, {
      internalKey: 'internal-key',
      service: '',
      scopes,
      project: 'acme/shop',
    });
    assert.deepEqual(granted, [{ type: 'repository', name: 'acme/shop/web', actions: ['pull', 'push'] }]);
    const bad = { internalKey: 'internal-key', service: '', scopes: ['registry:catalog:*'] };
    await assert.rejects(issueInternalRegistryToken(platform, bad), { code: 'request_invalid' });
  });
});
