import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { testLogin, testRegistry } from '@eve/adapter-process/testing';
import { BuildFailed } from '@eve/domain';
import { parseChallenge } from './client.ts';
import { registryReader } from './reader.ts';
import { tokenFront } from './token-front.fixture.ts';

const { htpasswd } = testLogin;
const oci = 'application/vnd.oci.image';
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const describeBytes = (bytes: Uint8Array) => ({ digest: digestOf(bytes), size: bytes.length });
const isAuthError = (error: unknown) => error instanceof BuildFailed && error.failure.code === 'auth_error';

/** Puts images into a registry by its API alone. */
function writer(host: string, headers: Record<string, string> = {}) {
  const base = `http://${host}/v2/shop/web`;
  const blob = async (bytes: Buffer) => {
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST', headers });
    const location = new URL(started.headers.get('location') ?? '', base);
    location.searchParams.set('digest', digestOf(bytes));
    const body = new Uint8Array(bytes);
    const put = await fetch(location, {
      method: 'PUT',
      headers: { ...headers, 'content-type': 'application/octet-stream' },
      body,
    });
    assert.equal(put.status, 201);
  };
  const manifest = async (name: string, mediaType: string, content: object) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }, null, 1));
    const put = await fetch(`${base}/manifests/${name}`, {
      method: 'PUT',
      headers: { ...headers, 'content-type': mediaType },
      body: new Uint8Array(bytes),
    });
    assert.equal(put.status, 201);
    return bytes;
  };
  return {
    manifest,
    blob,
    async image(tag: string, architecture: string, layers: object[] = []) {
      const config = Buffer.from(
        JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [] } }),
      );
      const layer = Buffer.from(`layer of ${architecture}`);
      await blob(config);
      await blob(layer);
      const bytes = await manifest(tag, `${oci}.manifest.v1+json`, {
        config: { mediaType: `${oci}.config.v1+json`, ...describeBytes(config) },
        layers: [
          ...layers,
          ...(layers.length > 0 ? [] : [{ mediaType: `${oci}.layer.v1.tar`, ...describeBytes(layer) }]),
        ],
      });
      const sizeBytes = config.length + layer.length;
      return { bytes, digest: digestOf(bytes), config: digestOf(config), layer: digestOf(layer), sizeBytes };
    },
  };
}

describe('reading a registry', () => {
  let registry: Awaited<ReturnType<typeof testRegistry>>;
  const reader = registryReader({ closedAddresses: true });

  before(async () => {
    registry = await testRegistry();
  });
  after(() => registry[Symbol.asyncDispose]());

  it('tells the digests and the size of a single image', async () => {
    const image = await writer(registry.host).image('one', 'amd64');
    const expected = {
      digests: {
        digest: image.digest,
        platforms: [{ platform: 'linux/amd64', manifest: image.digest, config: image.config }],
      },
      sizeBytes: image.sizeBytes,
    };

    assert.deepEqual(await reader.inspect(`${registry.host}/shop/web:one`, null), expected);
    assert.deepEqual(await reader.inspect(`${registry.host}/shop/web@${image.digest}`, null), expected);
  });

  it('tells the images of an index and leaves attestations out', async () => {
    const write = writer(registry.host);
    const images = [
      await write.image('a', 'amd64'),
      await write.image('b', 'arm64'),
      await write.image('c', 'unknown'),
    ];
    const platforms = [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
      { os: 'unknown', architecture: 'unknown' },
    ];
    const index = await write.manifest('all', `${oci}.index.v1+json`, {
      manifests: images.map(({ bytes }, at) => ({
        mediaType: `${oci}.manifest.v1+json`,
        ...describeBytes(bytes),
        platform: platforms[at],
      })),
    });

    const found = await reader.inspect(`${registry.host}/shop/web:all`, null);

    assert.equal(found?.digests.digest, digestOf(index));
    assert.deepEqual(
      found.digests.platforms.map(({ platform }) => platform),
      ['linux/amd64', 'linux/arm64/v8'],
    );
    assert.equal(found.sizeBytes, (images[0]?.sizeBytes ?? 0) + (images[1]?.sizeBytes ?? 0));
  });

  it('answers with nothing for what is not there', async () => {
    assert.equal(await reader.inspect(`${registry.host}/shop/web:never`, null), null);
    assert.equal(await reader.inspect(`${registry.host}/no/body:1`, null), null);
  });

  it('gives an image another tag without changing its bytes', async () => {
    const image = await writer(registry.host).image('old', 'amd64');

    await reader.tag(`${registry.host}/shop/web@${image.digest}`, 'new', null);

    assert.equal((await reader.inspect(`${registry.host}/shop/web:new`, null))?.digests.digest, image.digest);
    await assert.rejects(reader.tag(`${registry.host}/shop/web:none`, 'new', null), { code: 'image_unknown' });
  });

  it('shows a login where one is asked for', async () => {
    await using closed = await testRegistry({ htpasswd });
    const login = { host: closed.host, username: 'someone', password: 'letmein' };
    const authorization = `Basic ${Buffer.from('someone:letmein').toString('base64')}`;
    const image = await writer(closed.host, { authorization }).image('one', 'amd64');
    const reference = `${closed.host}/shop/web:one`;

    assert.equal((await reader.inspect(reference, login))?.digests.digest, image.digest);
    await reader.tag(reference, 'two', login);
    await assert.rejects(reader.inspect(reference, null), isAuthError);
    await assert.rejects(reader.inspect(reference, { ...login, password: 'wrong' }), isAuthError);
  });

  it('gets a token for the repository when it is asked for one', async () => {
    const image = await writer(registry.host).image('token', 'amd64');
    await using front = await tokenFront(registry.host);
    const login = { host: front.host, username: 'run', password: 'secret' };
    const reference = `${front.host}/shop/web:token`;

    assert.equal((await reader.inspect(reference, login))?.digests.digest, image.digest);
    await reader.tag(reference, 'token2', login);

    assert.deepEqual(front.asked, ['repository:shop/web:pull', 'repository:shop/web:pull,push']);
    await assert.rejects(reader.inspect(reference, { ...login, password: 'wrong' }), isAuthError);
  });

  it('says whether an image is there, by one request', async () => {
    const image = await writer(registry.host).image('there', 'amd64');

    assert.equal(await reader.exists(`${registry.host}/shop/web@${image.digest}`, null), true);
    assert.equal(await reader.exists(`${registry.host}/shop/web:there`, null), true);
    assert.equal(await reader.exists(`${registry.host}/shop/web@sha256:${'0'.repeat(64)}`, null), false);
  });

  it('tells the layers of each platform', async () => {
    const write = writer(registry.host);
    const image = await write.image('layers', 'amd64');
    const index = await write.manifest('layers-index', `${oci}.index.v1+json`, {
      manifests: [
        {
          mediaType: `${oci}.manifest.v1+json`,
          ...describeBytes(image.bytes),
          platform: { os: 'linux', architecture: 'amd64' },
        },
      ],
    });
    const expected = [{ platform: 'linux/amd64', manifest: image.digest, config: image.config, layers: [image.layer] }];

    assert.deepEqual(await reader.layers(`${registry.host}/shop/web@${image.digest}`, null), expected);
    assert.deepEqual(await reader.layers(`${registry.host}/shop/web@${digestOf(index)}`, null), expected);
    assert.equal(await reader.layers(`${registry.host}/shop/web:never`, null), null);
  });

  it('tells what stands beside an image, and reads it', async () => {
    const write = writer(registry.host);
    const image = await write.image('attested', 'amd64');
    const statement = {
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://slsa.dev/provenance/v1',
      subject: [{ name: 'shop/web', digest: { sha256: image.digest.slice(7) } }],
      predicate: { buildDefinition: { buildType: 'test' } },
    };
    const blob = Buffer.from(JSON.stringify(statement));
    await write.blob(blob);
    const beside = await write.image('beside', 'unknown', [
      {
        mediaType: 'application/vnd.in-toto+json',
        ...describeBytes(blob),
        annotations: { 'in-toto.io/predicate-type': statement.predicateType },
      },
    ]);
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': image.digest,
    };
    const [linux, nothing] = ['linux', 'unknown'].map((os) => ({ os, architecture: os === 'linux' ? 'amd64' : os }));
    const mediaType = `${oci}.manifest.v1+json`;
    await write.manifest('attested-index', `${oci}.index.v1+json`, {
      manifests: [
        { mediaType, ...describeBytes(image.bytes), platform: linux },
        { mediaType, ...describeBytes(beside.bytes), platform: nothing, annotations },
      ],
    });
    const reference = `${registry.host}/shop/web:attested-index`;

    const found = await reader.attestations(reference, null);

    const { predicateType } = statement;
    assert.deepEqual(found, [{ subject: image.digest, predicateType, digest: digestOf(blob), sizeBytes: blob.length }]);
    assert.deepEqual(await reader.attestation(reference, digestOf(blob), null), statement);
    assert.deepEqual(await reader.attestations(`${registry.host}/shop/web:attested`, null), []);
    await assert.rejects(reader.attestation(reference, `sha256:${'0'.repeat(64)}`, null), { code: 'image_unknown' });
    await assert.rejects(reader.attestation(reference, '../x', null), { code: 'image_unknown' });
  });

  it('removes a digest with its tags, once', async () => {
    const image = await writer(registry.host).image('gone', 's390x');
    const reference = `${registry.host}/shop/web@${image.digest}`;

    assert.equal(await reader.remove(reference, null), true);

    assert.equal(await reader.remove(reference, null), false);
    assert.equal(await reader.exists(`${registry.host}/shop/web:gone`, null), false);
    await assert.rejects(reader.remove(`${registry.host}/shop/web:gone`, null), { code: 'image_unknown' });
  });

  it('says whom a registry lets in', async () => {
    await using closed = await testRegistry({ htpasswd });
    const login = { host: closed.host, username: 'someone', password: 'letmein' };

    assert.equal(await reader.admits(registry.host, null), true);
    assert.equal(await reader.admits(closed.host, null), false);
    assert.equal(await reader.admits(closed.host, login), true);
    assert.equal(await reader.admits(closed.host, { ...login, password: 'wrong' }), false);
    await assert.rejects(reader.admits('127.0.0.1:9', null), { code: 'registry_unavailable' });
  });

  it('says that a registry is away', async () => {
    await assert.rejects(reader.inspect('127.0.0.1:9/a/b:1', null), { code: 'registry_unavailable' });
    await assert.rejects(reader.inspect('not a name', null), { code: 'image_unknown' });
  });

  it('ends when the signal does', async () => {
    const reason = new Error('enough');

    await assert.rejects(reader.inspect(`${registry.host}/shop/web:one`, null, AbortSignal.abort(reason)), reason);
  });

  it('believes no digest that the bytes do not have', async () => {
    const server = createServer((_, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // it listens on TCP

    await assert.rejects(reader.inspect(`127.0.0.1:${port}/a/b@sha256:${'0'.repeat(64)}`, null), {
      code: 'registry_unavailable',
    });

    server.closeAllConnections();
    server.close();
  });
});

describe('a challenge', () => {
  it('is read with its quotes and all', () => {
    assert.deepEqual(parseChallenge('Bearer realm="https://a/b?c=1,2",service="x \\"y\\"", scope=z'), {
      scheme: 'bearer',
      parameters: { realm: 'https://a/b?c=1,2', service: 'x "y"', scope: 'z' },
    });
  });
});
