import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type SampleProject,
  sampleProject,
  type TestPlatform,
  testPlatform,
  testRegistry,
} from '../../testing/index.ts';
import { registryOf } from '../manifests/registry-setting.ts';
import { type CreateBuild, createBuild } from './create-build.ts';

let test: TestPlatform;
let shop: SampleProject;

before(async () => {
  test = await testPlatform();
  shop = await sampleProject(test);
});

after(() => test[Symbol.asyncDispose]());

type Rest = Omit<CreateBuild, 'gitSha' | 'manifestHash'>;

async function creator(): Promise<(request: Rest) => ReturnType<typeof createBuild>> {
  const commit = await shop.commit();
  return (request) => createBuild(test.platform, shop.caller, shop.project.id, { ...commit, ...request });
}

describe('what a build asks for', () => {
  const wrong: Record<string, { request: Rest; says: RegExp }> = {
    'more retries than three': { request: { inputs: { retryPolicy: { maxRetries: 4 } } }, says: /max_retries.*0 to 3/ },
    'a negative number of retries': { request: { inputs: { retryPolicy: { maxRetries: -1 } } }, says: /max_retries/ },
    'half a retry': { request: { inputs: { retryPolicy: { maxRetries: 1.5 } } }, says: /max_retries/ },
    'a delay over 300 s': { request: { inputs: { retryPolicy: { maxDelayMs: 300_001 } } }, says: /max_delay.*300s/ },
    'a first delay over the longest': {
      request: { inputs: { retryPolicy: { initialDelayMs: 90_000, maxDelayMs: 60_000 } } },
      says: /first delay is longer/,
    },
    'a platform that is none': { request: { inputs: { platforms: ['linux'] } }, says: /"linux" is no platform/ },
    'a bad name of an argument': { request: { inputs: { buildArgs: { 'A B': '1' } } }, says: /build_args\.A B/ },
    'a secret as an argument': {
      request: { inputs: { buildArgs: { TOKEN: `x-\${secret.NPM_TOKEN}` } } },
      says: /secret NPM_TOKEN under services.*--mount=type=secret,id=NPM_TOKEN/,
    },
    'a value that no text may hold': { request: { inputs: { buildArgs: { A: 'a\0b' } } }, says: /character/ },
    'a value that is too long for a program': {
      request: { inputs: { buildArgs: { A: '€'.repeat(30_000) } } },
      says: /longer than 65536 bytes/,
    },
    'half a character': { request: { inputs: { buildArgs: { A: '\ud800' } } }, says: /character/ },
    'a tag with a slash': { request: { inputs: { tag: 'a/b' } }, says: /image tag/ },
    'no time at all': { request: { inputs: { timeoutMs: 0 } }, says: /timeout/ },
    'a cache in another project': {
      request: { cache: { from: [`${testRegistry}/acme/other/cache:x`] } },
      says: /outside the project's part.*acme\/shop/,
    },
    'a cache in another organisation, in capitals': {
      request: { cache: { to: [`${testRegistry.toUpperCase()}/other/shop/cache:x`] } },
      says: /outside the project's part/,
    },
    'a cache without a host': { request: { cache: { from: ['acme/shop/cache'] } }, says: /with its registry's host/ },
    'a cache that is no reference': { request: { cache: { from: ['type=local,src=/etc'] } }, says: /none of registry/ },
    'a digest to write to': {
      request: { cache: { to: [`ghcr.io/a/b@sha256:${'a'.repeat(64)}`] } },
      says: /cannot be written/,
    },
    'a registry that is none': { request: { registry: 'ftp://x' }, says: /no registry/ },
    'a registry without a host': { request: { registry: { namespace: 'a' } }, says: /host/ },
    'a registry with a password': {
      request: { registry: { host: 'ghcr.io', auth: { token_secret: 'not a name' } } },
      says: /secret’s name, not its value/,
    },
    'a registry with an unknown field': { request: { registry: { host: 'ghcr.io', user: 'x' } }, says: /`user`/ },
    'a registry that is a list': { request: { registry: ['eve'] }, says: /registry|text|mapping/i },
  };
  for (const [what, { request, says }] of Object.entries(wrong)) {
    it(`is refused: ${what}`, async () => {
      const create = await creator();

      await assert.rejects(create(request), (error: Error & { kind: string; details: { path: string }[] }) => {
        assert.equal(error.kind, 'invalid');
        assert.match(error.message, says);
        assert.ok(error.details.length > 0);
        return true;
      });
    });
  }

  it('is refused with all that is wrong at once', async () => {
    const create = await creator();

    await assert.rejects(create({ inputs: { tag: '?', timeoutMs: -1 }, cache: { from: ['x'] } }), (error: Error) => {
      assert.match(error.message, /inputs\.tag.*inputs\.timeout.*cache\.from/);
      return true;
    });
  });

  it('may not name the registry "none" for a service without an image', async () => {
    const create = await creator();

    await assert.rejects(create({ registry: 'none' }), { code: 'manifest_invalid', message: /name the image/ });
  });

  it('is the same whatever says nothing, and in whatever order', async () => {
    const create = await creator();
    const plain = await create({});

    for (const request of [
      { inputs: {}, cache: {}, registry: null, services: null },
      { inputs: { buildArgs: {}, platforms: [], retryPolicy: {}, forceRebuild: false }, cache: { from: [], to: [] } },
      { cache: { disabled: false } },
      { services: [] },
    ]) {
      assert.equal((await create(request)).id, plain.id);
    }
    assert.deepEqual([plain.inputs, plain.registry, plain.cache], [null, null, null]);
    const one = await create({
      inputs: { platforms: ['linux/arm64', 'linux/amd64'] },
      registry: { host: 'GHCR.io', namespace: 'acme', auth: { username_secret: 'REGISTRY_USERNAME' } },
    });
    const two = await create({
      registry: { namespace: 'acme', host: 'ghcr.io' },
      inputs: { platforms: ['linux/amd64', 'linux/arm64', 'linux/amd64'] },
    });
    assert.equal(two.id, one.id);
    assert.notEqual(one.id, plain.id);
  });

  it('takes caches of the project and of other registries, and its registry goes before the manifest’s', async () => {
    const create = await creator();
    const places = ['registry', 'local', `${testRegistry}/acme/shop/cache:web`, 'ghcr.io/acme/cache:x'];

    const spec = await create({ cache: { from: places, to: ['registry'] }, registry: { host: 'ghcr.io' } });

    assert.deepEqual(spec.cache, { from: places, to: ['registry'] });
    const own = { mode: 'own', host: 'ghcr.io', namespace: null };
    const secrets = { usernameSecret: 'REGISTRY_USERNAME', tokenSecret: 'REGISTRY_PASSWORD' };
    assert.deepEqual(registryOf(spec, { registry: { mode: 'none' } }), { ...own, ...secrets });
    assert.deepEqual(registryOf({ registry: null }, { registry: { mode: 'none' } }), { mode: 'none' });
  });

  it('is built into the registry that it names', async () => {
    const { run } = await shop.built(await shop.commit(), { services: ['web'], registry: { host: 'ghcr.io/acme' } });

    const [artifact] = await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id);

    assert.equal(run.status, 'completed');
    assert.deepEqual(artifact?.image, { registry: 'ghcr.io', repository: 'acme/web' });
  });
});
