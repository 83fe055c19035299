import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { testRegistry } from '@eve/adapter-process/testing';
import { BuildFailed } from '@eve/domain';
import { isInsecure, parseChallenge } from './client.ts';
import { registryReader } from './reader.ts';

// letmein
const htpasswd = 'someone:$2y$05$abcdefghijklmnopqrstuuKwWV7ESJpzKzf9FQg57dBvMuv92X9HS\n';
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
    async image(tag: string, architecture: string) {
      const config = Buffer.from(
        JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [] } }),
      );
      const layer = Buffer.from(`layer of ${architecture}`);
      await blob(config);
      await blob(layer);
      const bytes = await manifest(tag, `${oci}.manifest.v1+json`, {
        config: { mediaType: `${oci}.config.v1+json`, ...describeBytes(config) },
        layers: [{ mediaType: `${oci}.layer.v1.tar`, ...describeBytes(layer) }],
      });
      return { bytes, digest: digestOf(bytes), config: digestOf(config), sizeBytes: config.length + layer.length };
    },
  };
}

describe('reading a registry', () => {
  let registry: Awaited<ReturnType<typeof testRegistry>>;
  const reader = registryReader();

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

describe('the way to a registry', () => {
  it('is plain HTTP only on this machine or where it is said', () => {
    for (const host of ['localhost:5000', '127.0.0.1:5000', '[::1]:5000', 'eve.localhost'])
      assert.equal(isInsecure(host, []), true, host);
    for (const host of ['ghcr.io', '127.0.0.1.example.com', '10.0.0.1:5000', 'localhost.example'])
      assert.equal(isInsecure(host, []), false, host);
    assert.equal(isInsecure('10.0.0.1:5000', ['10.0.0.1:5000']), true);
  });

  it('is read from a challenge, quotes and all', () => {
    assert.deepEqual(parseChallenge('Bearer realm="https://a/b?c=1,2",service="x \\"y\\"", scope=z'), {
      scheme: 'bearer',
      parameters: { realm: 'https://a/b?c=1,2', service: 'x "y"', scope: 'z' },
    });
  });
});

/** A registry that wants tokens: its realm gives one to who knows the password, and behind it is the real registry. */
async function tokenFront(behind: string): Promise<AsyncDisposable & { host: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    if (url.pathname === '/token') {
      const given = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString();
      response.statusCode = given === 'run:secret' ? 200 : 401;
      if (response.statusCode === 200) asked.push(url.searchParams.get('scope') ?? '');
      return response.end(JSON.stringify({ token: `for ${url.searchParams.get('service')}` }));
    }
    if (request.headers.authorization !== 'Bearer for test') {
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="test"`;
      return response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { accept, 'content-type': type } = request.headers;
    const answer = await fetch(`http://${behind}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { ...(accept && { accept }), ...(type && { 'content-type': type }) },
      ...(parts.length > 0 && { body: new Uint8Array(Buffer.concat(parts)) }),
    });
    for (const name of ['content-type', 'docker-content-digest'])
      if (answer.headers.has(name)) response.setHeader(name, answer.headers.get(name) ?? '');
    response.statusCode = answer.status;
    return response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    host: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
