import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { type TestRegistry, testLogin, testRegistry } from '@eve/adapter-process/testing';
import { registryReader } from '@eve/adapter-registries';
import { buildFailure } from '@eve/domain';
import { type Builder, checkOwnRegistry, type ImageBuildPlan, type RegistryReader } from '@eve/operations';
import { type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../operations/testing/index.ts';
import { type Engine, engineWithRegistry, pushWithBuildx } from './scene.ts';

const engine = await engineWithRegistry();
const skip = 'missing' in engine ? engine.missing : false;

/** Pushes for real whatever it is asked to build: one file that no build had before. */
function pushingBuilder(): Builder & { readonly plans: ImageBuildPlan[] } {
  const plans: ImageBuildPlan[] = [];
  return {
    name: 'buildx',
    plans,
    capabilities: async () => ({
      ...{ version: 'test', buildkit: null, platforms: ['linux/amd64'], multiPlatform: false, attestations: false },
      ...{ rewriteTimestamps: false, cacheExport: false, limits: false },
    }),
    async ensure(plan) {
      plans.push(plan);
      return plan.name;
    },
    async *follow(ref) {
      const plan = plans.find(({ name }) => name === ref) ?? assert.fail('It was not begun.');
      // The suite is skipped where there is no engine.
      const content = randomBytes(20).toString('hex');
      const pushed = await pushWithBuildx(engine as Engine, plan.logins, plan.tags, content);
      yield pushed.pushed
        ? { type: 'pushed', digest: pushed.digest }
        : { type: 'failed', failure: buildFailure('auth_error', pushed.printed) };
    },
    stop: async () => undefined,
    list: async () => [],
  };
}

describe('a registry of one’s own', { skip }, () => {
  let closed: TestRegistry;
  let open: TestRegistry;
  let test: TestPlatform;
  let shop: SampleProject;
  let builder: ReturnType<typeof pushingBuilder>;
  let reader: RegistryReader;
  let projects = 0;

  before(async () => {
    closed = await testRegistry({ htpasswd: testLogin.htpasswd });
    open = await testRegistry();
    reader = registryReader({ closedAddresses: true });
    builder = pushingBuilder();
    test = await testPlatform({ localSources: true });
    Object.assign(test.platform, { registry: reader, builders: { buildx: builder } });
  });
  after(async () => {
    await test?.[Symbol.asyncDispose]();
    await closed?.[Symbol.asyncDispose]();
    await open?.[Symbol.asyncDispose]();
  });
  afterEach(() => void builder.plans.splice(0));

  const manifest = (registry: string) => `registry:\n${registry}\nservices:\n  web:\n    build: { context: web }\n`;
  const own = (host: string, more = '') => manifest(`  host: ${host}\n${more}`);

  /** What became of a build of a new project with this manifest and these secrets. */
  async function built(yaml: string, secrets: Record<string, string> = {}) {
    projects += 1;
    shop = await sampleProject(test, `acme${projects}`);
    for (const [name, value] of Object.entries(secrets)) await shop.secret(name, value);
    const { run } = await shop.built(await shop.commit(yaml));
    const artifacts = await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id);
    return { run, artifacts };
  }

  const right = { username: testLogin.username, password: testLogin.password };

  for (const [names, secrets, more] of [
    ['the default names', ['REGISTRY_USERNAME', 'REGISTRY_PASSWORD'], ''],
    ['the names of old', ['GHCR_USERNAME', 'GHCR_TOKEN'], ''],
    ['names of its own', ['HUB_USER', 'HUB_TOKEN'], '  auth: { username_secret: HUB_USER, token_secret: HUB_TOKEN }\n'],
  ] as const) {
    it(`is pushed to and read back with the login of ${names}`, async () => {
      const [username = '', password = ''] = secrets;
      const { run, artifacts } = await built(own(`${closed.host}/team`, `  namespace: my-org\n${more}`), {
        [username]: right.username,
        [password]: right.password,
      });

      assert.equal(run.failure, null);
      const [{ image, digests } = assert.fail('There is no artifact.')] = artifacts;
      assert.deepEqual(image, { registry: closed.host, repository: 'team/my-org/web' });
      const login = { host: closed.host, ...right };
      assert.equal(await reader.exists(`${closed.host}/team/my-org/web@${digests.digest}`, login), true);
    });
  }

  it('refuses a wrong login before anything is built', async () => {
    const { run } = await built(own(closed.host), { REGISTRY_USERNAME: 'someone', REGISTRY_PASSWORD: 'wrong-one' });

    assert.equal(run.failure?.code, 'auth_error');
    assert.match(run.failure.message, /refuses the login that REGISTRY_USERNAME and REGISTRY_PASSWORD, or GHCR_/);
    assert.ok(!JSON.stringify(run.failure).includes('wrong-one'));
    assert.equal(builder.plans.length, 0);
  });

  it('names both secrets and how to set them when they are missing, before anything is built', async () => {
    const { run } = await built(own(closed.host));

    assert.equal(run.failure?.code, 'auth_error');
    assert.match(run.failure.message, /REGISTRY_USERNAME and REGISTRY_PASSWORD are not set/);
    assert.match(run.failure.hint, /`eve secrets set REGISTRY_USERNAME -` and `eve secrets set REGISTRY_PASSWORD -`/);
    assert.equal(builder.plans.length, 0);
  });

  it('names the one secret that is missing', async () => {
    const { run } = await built(own(closed.host), { REGISTRY_USERNAME: 'someone' });

    assert.match(run.failure?.message ?? '', /and REGISTRY_PASSWORD is not set/);
    assert.doesNotMatch(run.failure?.hint ?? '', /REGISTRY_USERNAME/);
  });

  it('sends the login of old to no registry whose secrets have names of their own', async () => {
    const auth = '  auth: { username_secret: HUB_USER, token_secret: HUB_TOKEN }\n';
    const { run } = await built(own(closed.host, auth), { GHCR_USERNAME: 'someone', GHCR_TOKEN: 'letmein' });

    assert.match(run.failure?.message ?? '', /HUB_USER and HUB_TOKEN are not set/);
  });

  it('needs no secrets where everybody may push', async () => {
    const { run, artifacts } = await built(own(open.host));

    assert.equal(run.failure, null);
    assert.deepEqual(artifacts[0]?.image, { registry: open.host, repository: 'web' });
  });

  it('is waited for when it is away', async () => {
    const registry = { mode: 'own', host: '127.0.0.1:9', namespace: null } as const;
    const setting = { ...registry, usernameSecret: 'REGISTRY_USERNAME', tokenSecret: 'REGISTRY_PASSWORD' };
    const of = { tenantId: shop.organisation.id, projectId: shop.project.id };

    await assert.rejects(checkOwnRegistry(test.platform, of, { registry: setting }, []), {
      code: 'registry_unavailable',
    });
  });

  it('is none where the manifest says so: Eve logs in nowhere, and needs an image to be named', async () => {
    const secrets = { REGISTRY_USERNAME: right.username, REGISTRY_PASSWORD: right.password };
    const nameless = 'registry: none\nservices:\n  web:\n    build: { context: web }\n';
    const named = `registry: none\nservices:\n  web:\n    image: ${open.host}/shop/web\n    build: { context: web }\n`;

    const without = await built(nameless, secrets);
    assert.equal(without.run.failure?.code, 'build_error');
    assert.match(without.run.failure.message, /name the image that the engine may push, or set a registry/);
    assert.equal(builder.plans.length, 0);

    const { run, artifacts } = await built(named, secrets);
    assert.equal(run.failure, null);
    assert.deepEqual(artifacts[0]?.image, { registry: open.host, repository: 'shop/web' });
    assert.deepEqual(builder.plans[0]?.logins, []);
  });
});
