import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { registryReader } from '@eve/adapter-registries';
import { BuildFailed, type BuildRun, type RegistryAction } from '@eve/domain';
import { loginFor, projectPrefix, type RegistryLogin, readingLogins, registryLogins } from '@eve/operations';
import { type SampleProject, sampleProject } from '../../operations/testing/index.ts';
import {
  type Engine,
  type EveScene,
  engineWithRegistry,
  eveScene,
  internalKey,
  pushWithBuildx,
  service,
} from './scene.ts';

const engine = await engineWithRegistry();
const eve = { registry: { mode: 'eve' } } as const;
const isAuthError = (error: unknown) => error instanceof BuildFailed && error.failure.code === 'auth_error';
// What is pushed is of this test alone: engines remember what they have pushed before.
const content = randomBytes(300_000).toString('hex');

describe('the registry that Eve runs', { skip: 'missing' in engine ? engine.missing : false }, () => {
  let scene: EveScene;
  let acme: SampleProject;
  let globex: SampleProject;
  let run: BuildRun;
  let login: RegistryLogin;

  before(async () => {
    scene = await eveScene();
    acme = await sampleProject(scene.test, 'acme');
    globex = await sampleProject(scene.test, 'globex');
    ({ run } = await acme.build(await acme.commit()));
    login = await loginOf(acme, run.id, ['pull', 'push']);
  });
  after(() => scene?.[Symbol.asyncDispose]());

  const ownerOf = ({ organisation, project }: SampleProject) => ({
    organisation: organisation.slug,
    project: project.slug,
    tenantId: organisation.id,
    projectId: project.id,
  });
  const placeOf = (sample: SampleProject, name: string) => ({
    registry: 'eve',
    repository: `${projectPrefix(ownerOf(sample))}${name}`,
  });
  const imageOf = (sample: SampleProject, name: string) => `${scene.host}/${placeOf(sample, name).repository}`;

  async function loginOf(sample: SampleProject, subject: string, actions: readonly RegistryAction[]) {
    const grant = { subject, actions, expiresAt: new Date(Date.now() + 60_000) };
    const logins = await registryLogins(scene.platform, eve, ownerOf(sample), grant);
    return loginFor(logins, placeOf(sample, 'web'), scene.platform.settings) ?? assert.fail('There is no login.');
  }

  const push = (logins: readonly RegistryLogin[], image: string, file = content) =>
    // The suite is skipped where there is no engine.
    pushWithBuildx(engine as Engine, logins, [image], file);

  it('takes a push by buildx with a run’s password, and gives it to be read back', async () => {
    const pushed = await push([login], `${imageOf(acme, 'web')}:one`);

    assert.ok(pushed.pushed, JSON.stringify(pushed));
    const reference = `${imageOf(acme, 'web')}@${pushed.digest}`;
    const found = await scene.platform.registry.inspect(reference, login);
    assert.equal(found?.digests.digest, pushed.digest);
    assert.ok((found?.sizeBytes ?? 0) > 100_000);
    assert.equal(await scene.platform.registry.exists(reference, login), true);
    const [layers] = (await scene.platform.registry.layers(reference, login)) ?? [];
    assert.equal(layers?.layers.length, 1);
  });

  it('opens for a project nothing of another, whoever pushed the same layers before', async () => {
    const stranger = await loginOf(globex, globex.project.id, ['pull', 'push']);

    // The engine would like to mount the layers that acme has: it gets the allowed part, and pushes them itself.
    const own = await push([stranger], `${imageOf(globex, 'web')}:one`);
    const others = await push([stranger], `${imageOf(acme, 'api')}:one`);

    assert.ok(own.pushed, JSON.stringify(own));
    assert.equal(others.pushed, false);
    await assert.rejects(scene.platform.registry.inspect(`${imageOf(acme, 'web')}:one`, stranger), isAuthError);
    await assert.rejects(scene.platform.registry.exists(`${imageOf(acme, 'web')}:one`, null), isAuthError);
    await assert.rejects(scene.platform.registry.tag(`${imageOf(acme, 'web')}:one`, 'two', stranger), isAuthError);
    assert.equal(await scene.platform.registry.exists(`${imageOf(globex, 'web')}:one`, stranger), true);
  });

  it('lets a login do what it was given for, and no more', async () => {
    const reading = await loginOf(acme, acme.project.id, ['pull']);
    const removing = await loginOf(acme, acme.project.id, ['pull', 'delete']);
    const { registry } = scene.platform;
    const pushed = await push([login], `${imageOf(acme, 'web')}:two`, `another ${content}`);
    assert.ok(pushed.pushed, JSON.stringify(pushed));
    const reference = `${imageOf(acme, 'web')}@${pushed.digest}`;

    assert.equal((await push([reading], `${imageOf(acme, 'web')}:three`)).pushed, false);
    await assert.rejects(registry.tag(reference, 'three', reading), isAuthError);
    await assert.rejects(registry.remove(reference, login), isAuthError);
    assert.equal(await registry.remove(reference, removing), true);
    assert.equal(await registry.exists(reference, reading), false);
  });

  it('is read with one login for some minutes, so that its token is asked for once', async () => {
    const at = (time: string) => ({ ...scene.platform, now: () => new Date(`2026-01-01T${time}Z`) });
    const early = await readingLogins(at('10:00:01'), eve, ownerOf(acme));
    const late = await readingLogins(at('10:04:59'), eve, ownerOf(acme));
    const next = await readingLogins(at('10:05:01'), eve, ownerOf(acme));

    assert.equal(early.length, 1);
    assert.deepEqual(late, early);
    assert.notDeepEqual(next, early);
    assert.deepEqual(await readingLogins(scene.platform, { registry: { mode: 'none' } }, ownerOf(acme)), []);
  });

  it('gives workers with the internal key what they ask, signed for the registry', async () => {
    const scope = `repository:${placeOf(acme, 'worker').repository}:pull,push`;
    const answer = await fetch(`${scene.url}/internal/registry/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-eve-internal-token': internalKey },
      body: JSON.stringify({ scope, service }),
    });
    const { token, expires_in } = (await answer.json()) as { token: string; expires_in: number };
    const [, claims = ''] = token.split('.');
    const { sub, aud, iss, access } = JSON.parse(Buffer.from(claims, 'base64url').toString());

    assert.equal(answer.status, 200);
    assert.equal(expires_in, 300);
    assert.deepEqual({ sub, aud, iss }, { sub: 'eve-worker', aud: service, iss: 'eve-api' });
    assert.deepEqual(access, [
      { type: 'repository', name: placeOf(acme, 'worker').repository, actions: ['pull', 'push'] },
    ]);
    const upload = (name: string) =>
      fetch(`http://${scene.host}/v2/${placeOf(acme, name).repository}/blobs/uploads/`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
    assert.equal((await upload('worker')).status, 202);
    assert.equal((await upload('other')).status, 401);
  });

  it('closes for a run when the run has ended', async () => {
    const { registry, store } = scene.platform;
    assert.equal(await registry.exists(`${imageOf(acme, 'web')}:one`, login), true);

    await scene.test.work(async () => store.buildRuns.hasEnded(run.id));

    assert.equal((await push([login], `${imageOf(acme, 'web')}:late`)).pushed, false);
    // One that was not given a token before.
    const reader = registryReader({ ownHost: scene.host });
    await assert.rejects(reader.exists(`${imageOf(acme, 'web')}:one`, login), isAuthError);
  });

  it('is read by a kid that is the thumbprint of its key', async () => {
    const scopes = [{ type: 'repository', name: 'acme/shop/web', actions: ['pull'] }];
    const { token } = (await scene.platform.registryTokens?.sign({ subject: 'x', service, scopes })) ?? assert.fail();
    const { alg, kid, x5c } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
    const { createPublicKey, X509Certificate } = await import('node:crypto');
    const { publicKey } = new X509Certificate(Buffer.from(x5c[0], 'base64'));
    const { e, kty, n } = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ format: 'jwk' });

    assert.equal(alg, 'RS256');
    assert.equal(kid, createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url'));
  });
});
