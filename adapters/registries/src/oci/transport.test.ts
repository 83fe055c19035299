import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { selfSigned, testRegistry } from '@eve/adapter-process/testing';
import { BuildFailed } from '@eve/domain';
import { registryReader } from './reader.ts';

const manifest = JSON.stringify({
  schemaVersion: 2,
  config: { digest: `sha256:${'a'.repeat(64)}`, size: 1 },
  layers: [],
});
const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
const type = 'application/vnd.oci.image.manifest.v1+json';
const login = (host: string) => ({ host, username: 'run', password: 'secret' });
const failed = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof BuildFailed && error.failure.code === code && message.test(error.failure.message);

describe('a registry behind TLS', () => {
  // Not one of the names that need no verified TLS, and yet this machine.
  const address = '0.0.0.0';

  it('is believed when its authority is known, and not otherwise', async () => {
    const tls = await selfSigned(address);
    await using registry = await testRegistry({ tls, address });
    const reference = `${registry.host}/shop/web:1`;
    const knowing = registryReader({ closedAddresses: true, certificates: [tls.certificate] });

    assert.equal(await knowing.exists(reference, null), false);
    const unknowing = registryReader({ closedAddresses: true });
    await assert.rejects(unknowing.exists(reference, null), failed('registry_error', /certificate .* is not trusted/));
  });

  it('is not verified where the operator says so, and found to speak TLS by itself', async () => {
    const tls = await selfSigned(address);
    await using registry = await testRegistry({ tls, address });
    const [name] = registry.host.split(':');

    for (const insecure of [{ insecureHosts: [registry.host] }, { insecureHosts: [name ?? ''] }]) {
      assert.equal(await registryReader(insecure).exists(`${registry.host}/shop/web:1`, null), false);
    }
    const all = registryReader({ insecureHosts: ['*'], closedAddresses: true });
    assert.equal(await all.admits(registry.host, null), true);
  });
});

describe('a registry in a private network', () => {
  it('is reached only where the operator named it, or on a person’s own machine', async () => {
    await using registry = await testRegistry();
    const reference = `${registry.host}/shop/web:1`;
    const refused = failed('registry_error', /address that is not public/);

    await assert.rejects(registryReader().exists(reference, null), refused);
    await assert.rejects(registryReader({ insecureHosts: ['*'] }).exists(reference, null), refused);
    const named = reference.replace('127.0.0.1', 'localhost');
    await assert.rejects(registryReader().exists(named, null), refused);
    for (const options of [{ closedAddresses: true }, { ownHost: registry.host }, { insecureHosts: [registry.host] }])
      assert.equal(await registryReader(options).exists(reference, null), false);
  });
});

describe('a registry that wants tokens', () => {
  it('is asked for one once in the life of it, for each repository and login', async () => {
    let asked = 0;
    await using registry = await serving((request, response) => {
      if (request.url?.startsWith('/token')) {
        asked += 1;
        return response.end(JSON.stringify({ token: `t${asked}`, expires_in: 300 }));
      }
      if (!request.headers.authorization) return challenge(request, response);
      return response.writeHead(200, { 'content-type': type }).end(manifest);
    });
    const reader = registryReader({ closedAddresses: true });
    const reference = `${registry.host}/shop/web@${digest}`;

    for (let times = 0; times < 5; times += 1) await reader.exists(reference, login(registry.host));
    assert.equal(asked, 1);
    assert.equal(registry.requests.length, 1 + 1 + 5);

    await reader.exists(reference, { ...login(registry.host), password: 'other' });
    await reader.exists(`${registry.host}/shop/api@${digest}`, login(registry.host));
    assert.equal(asked, 3);
  });

  it('is asked for another when it does not take the one that was kept', async () => {
    let valid = 'Bearer t1';
    let asked = 0;
    await using registry = await serving((request, response) => {
      if (request.url?.startsWith('/token')) {
        asked += 1;
        return response.end(JSON.stringify({ access_token: `t${asked}`, expires_in: 300 }));
      }
      if (request.headers.authorization !== valid) return challenge(request, response);
      return response.writeHead(200, { 'content-type': type }).end(manifest);
    });
    const reader = registryReader({ closedAddresses: true });
    const reference = `${registry.host}/shop/web@${digest}`;
    assert.equal(await reader.exists(reference, null), true);

    valid = 'Bearer t2';

    assert.equal(await reader.exists(reference, null), true);
    assert.equal(asked, 2);
  });
});

describe('a registry that is not to be trusted', () => {
  it('sees a login stay behind when it sends the request to another host', async () => {
    await using other = await serving((_, response) => response.writeHead(200, { 'content-type': type }).end(manifest));
    await using registry = await serving((request, response) => {
      if (!request.headers.authorization) return response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      return response.writeHead(307, { location: `http://${other.host}/elsewhere` }).end();
    });
    const reader = registryReader({ closedAddresses: true });

    assert.equal(await reader.exists(`${registry.host}/shop/web@${digest}`, login(registry.host)), true);

    assert.match(registry.requests.at(-1)?.headers.authorization ?? '', /^Basic /);
    assert.equal(other.requests.length, 1);
    assert.equal(other.requests[0]?.headers.authorization, undefined);
  });

  it('leads a public registry’s reader to no private address', async () => {
    await using inside = await serving((_, response) => response.end('secret'));
    await using registry = await serving((_, response) =>
      response.writeHead(307, { location: `http://${inside.host}/` }).end(),
    );
    const { port } = new URL(`http://${registry.host}`);
    // It is reached because it is named; where it leads is another name of this machine, which is not.
    const reader = registryReader({ insecureHosts: [`localhost:${port}`] });

    const reading = reader.exists(`localhost:${port}/a/b:1`, null);

    await assert.rejects(reading, failed('registry_error', /address that is not public/));
    assert.equal(registry.requests.length, 1);
    assert.equal(inside.requests.length, 0);
  });

  it('redirects for ever in vain', async () => {
    await using registry = await serving((request, response) =>
      response.writeHead(302, { location: `${request.url}x` }).end(),
    );

    const reading = registryReader({ closedAddresses: true }).inspect(`${registry.host}/a/b:1`, null);

    await assert.rejects(reading, { code: 'registry_unavailable' });
    assert.equal(registry.requests.length, 6);
  });

  it('sends manifests without end in vain', async () => {
    let sent = 0;
    await using registry = await serving((_, response) => {
      response.writeHead(200, { 'content-type': type });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });

    const reading = registryReader({ closedAddresses: true }).inspect(`${registry.host}/a/b:1`, null);

    await assert.rejects(reading, { code: 'registry_unavailable', message: /too large/ });
    assert.ok(sent < 64 * 1_048_576, String(sent));
  });

  it('says another digest than that of its bytes in vain', async () => {
    await using registry = await serving((_, response) =>
      response
        .writeHead(200, { 'content-type': type, 'docker-content-digest': `sha256:${'0'.repeat(64)}` })
        .end(manifest),
    );
    const reader = registryReader({ closedAddresses: true });

    for (const suffix of [':1', `@sha256:${'1'.repeat(64)}`])
      await assert.rejects(reader.inspect(`${registry.host}/a/b${suffix}`, null), /other bytes/);
  });

  it('says that it wants no more requests, and until when', async () => {
    await using registry = await serving((_, response) => response.writeHead(429, { 'retry-after': '17' }).end());

    const reading = registryReader({ closedAddresses: true }).inspect(`${registry.host}/a/b:1`, null);

    await assert.rejects(reading, (error: unknown) => {
      assert.ok(error instanceof BuildFailed);
      assert.equal(error.failure.code, 'registry_error');
      assert.equal(error.failure.retryClass, 'registry_rate_limit');
      assert.match(error.failure.message, /wait 17 s/);
      return true;
    });
  });
});

function challenge(request: IncomingMessage, response: ServerResponse) {
  const realm = `http://${request.headers.host}/token`;
  return response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="test"` }).end();
}

/** A server that answers as a registry should not, and remembers what it was asked. */
async function serving(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    host: `127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
