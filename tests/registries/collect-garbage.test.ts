import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type Caller, collectGarbage, createRelease, type Platform, type RegistryLogin } from '@eve/operations';
import { type SampleProject, sampleProject } from '../../operations/testing/index.ts';
import { type Engine, type EveScene, engineWithRegistry, eveScene, pushWithBuildx } from './scene.ts';

const engine = await engineWithRegistry();
const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const contentBytes = 400_000;

describe('collecting the registry that Eve runs', { skip: 'missing' in engine ? engine.missing : false }, () => {
  let scene: EveScene;
  let shop: SampleProject;
  let login: RegistryLogin;
  let operator: Caller;

  before(async () => {
    scene = await eveScene();
    shop = await sampleProject(scene.test);
    login = await newLogin();
    operator = { ...shop.caller, operator: true };
  });
  after(() => scene?.[Symbol.asyncDispose]());

  function newLogin(): Promise<RegistryLogin> {
    const expiresAt = new Date(Date.now() + 300_000);
    const grant = { tenantId: shop.organisation.id, subject: shop.project.id, prefix: 'acme/shop/', expiresAt };
    return scene.platform.registryLogins.issue({ ...grant, actions: ['pull', 'push'] });
  }

  async function push(name: string, tag: string): Promise<string> {
    const image = `${scene.host}/acme/shop/${name}`;
    // The suite is skipped where there is no engine.
    const pushed = await pushWithBuildx(
      engine as Engine,
      [login],
      [`${image}:${tag}`],
      randomBytes(contentBytes).toString('latin1'),
    );
    return pushed.pushed ? pushed.digest : assert.fail(pushed.printed);
  }

  async function ask(method: string, path: string, body?: string): Promise<Response> {
    const scope = `repository:acme/shop/web:${method === 'PUT' ? 'pull,push' : 'pull'}`;
    const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
    const url = new URL(`${scene.url}/registry/token?${new URLSearchParams({ scope, service: 'eve-registry' })}`);
    const given = await fetch(url, { headers: { authorization: `Basic ${basic}` } });
    if (!given.ok) return given;
    const { token } = (await given.json()) as { token: string }; // the token protocol
    const headers = {
      authorization: `Bearer ${token}`,
      accept: `${indexType}, ${manifestType}`,
      'content-type': indexType,
    };
    return fetch(`http://${scene.host}/v2/acme/shop/web/${path}`, { method, headers, ...(body && { body }) });
  }

  /** The platform a day later, which keeps nothing that nobody names. */
  function later(): Platform {
    const retention = { revisions: 1, releases: 5, builds: 0, imagesMs: 1, logsMs: 1, everyMs: 0 };
    const { platform } = scene;
    const now = () => new Date(Date.now() + 86_400_000);
    return { ...platform, now, settings: { ...platform.settings, retention } };
  }

  it('keeps what a release names down to its layers, frees all else, and takes pushes again', async () => {
    const [child, unnamed, jobs] = [
      await push('web', 'child'),
      await push('web', 'unnamed'),
      await push('jobs', 'one'),
    ];
    const listed = await ask('GET', `manifests/${child}`);
    const size = (await listed.arrayBuffer()).byteLength;
    const platform = { os: 'linux', architecture: 'amd64' };
    const descriptor = { mediaType: listed.headers.get('content-type'), digest: child, size, platform };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [descriptor] });
    assert.equal((await ask('PUT', 'manifests/index', index)).status, 201);
    const web = `sha256:${createHash('sha256').update(index).digest('hex')}`;
    const made = await createRelease(scene.platform, shop.caller, shop.project.id, {
      ...(await shop.commit()),
      ...{ imageDigests: { web, jobs }, version: '1.0.0' },
    });

    const { items, freedBytes, notes } = await collectGarbage(later(), operator, {}, AbortSignal.timeout(60_000));

    assert.deepEqual(notes, []);
    assert.deepEqual(
      items.map(({ kind, id }) => [kind, id]),
      [['registry_image', `${scene.host}/acme/shop/web@${unnamed}`]],
    );
    assert.ok((freedBytes ?? 0) >= contentBytes, `${freedBytes} bytes`);
    assert.equal((await ask('GET', `manifests/${unnamed}`)).status, 404);
    for (const { image, digest } of Object.values(made.release.images)) {
      const reference = `${scene.host}/${image.repository}@${digest}`;
      const [layers] = (await scene.platform.registry.layers(reference, login)) ?? [];
      assert.ok(layers, reference);
      if (image.repository.endsWith('web')) {
        const layer = await ask('GET', `blobs/${layers.layers[0]}`);
        assert.ok((await layer.arrayBuffer()).byteLength > contentBytes);
      }
    }
    assert.match(await push('web', 'after'), /^sha256:/);
  });
});
