import assert from 'node:assert/strict';
import { createHash, createPublicKey, createVerify, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '@eve/adapter-process/testing';
import { type RegistryOptions, startRegistry, stopRegistry } from './distribution.ts';
import { type PushedTo, pushBlob, pushImage, send, testService, tokenFor } from './pushing.fixture.ts';
import { certificateFile } from './token/keys.ts';
import { registryTokens } from './token/tokens.ts';

const program = ['/usr/bin/docker-registry', '/usr/local/bin/registry'].find((path) => existsSync(path));
const service = testService;
let dataDir = '';
let options: RegistryOptions;
let at: PushedTo;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'eve-registry-test-'));
  const port = await freePort();
  at = { dataDir, url: `http://127.0.0.1:${port}` };
  options = { dataDir, program: program ?? null, port, realm: 'http://127.0.0.1:1/registry/token', service };
});

after(async () => {
  await stopRegistry(dataDir);
  await rm(dataDir, { recursive: true, force: true });
});

async function start(change: Partial<RegistryOptions> = {}): Promise<number> {
  const running = await startRegistry({ ...options, ...change });
  return 'pid' in running ? running.pid : assert.fail('It runs as a process.');
}

describe('registry tokens', () => {
  it('carry the claims of the Docker token protocol, for five minutes', async () => {
    const now = () => new Date('2026-01-01T00:00:00Z');
    const scopes = [{ type: 'repository', name: 'acme/shop/web', actions: ['pull', 'push'] }];
    const signed = await registryTokens({ dataDir, now }).sign({ subject: 'brun_1', service, scopes });

    const [head = '', body = '', signature = ''] = signed.token.split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const certificate = new X509Certificate(await readFile(certificateFile(dataDir)));
    const { e, kty, n } = createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' })).export({
      format: 'jwk',
    });
    const verified = createVerify('RSA-SHA256')
      .update(`${head}.${body}`)
      .verify(certificate.publicKey, signature, 'base64url');
    assert.ok(verified);
    assert.equal(header.alg, 'RS256');
    assert.equal(header.kid, createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url'));
    assert.deepEqual(header.x5c, [certificate.raw.toString('base64')]);
    assert.equal(claims.iss, 'eve-api');
    assert.equal(claims.aud, service);
    assert.equal(claims.sub, 'brun_1');
    assert.deepEqual(claims.access, scopes);
    assert.equal(claims.exp - claims.iat, 300);
    assert.equal(claims.iat, 1_767_225_600);
    assert.equal(signed.expiresInSeconds, 300);
  });

  it('are signed with one key, made once for its user only, also when many ask at the same time', async () => {
    const fresh = join(dataDir, 'fresh');
    const signers = Array.from({ length: 4 }, () => registryTokens({ dataDir: fresh }));

    const signed = await Promise.all(signers.map((it) => it.sign({ subject: 'x', service, scopes: [] })));

    assert.equal(new Set(signed.map(({ token }) => token.split('.')[0])).size, 1);
    assert.equal((await stat(join(fresh, 'registry-keys/token.key'))).mode & 0o777, 0o600);
  });
});

describe('registry of an installation', { skip: program ? false : 'no registry program is installed here' }, () => {
  before(async () => {
    await startRegistry(options);
  });

  it('is adopted by a start that finds it', async () => {
    assert.equal((await startRegistry(options)).adopted, true);
  });

  it('asks for a token of the realm', async () => {
    const answer = await fetch(`${at.url}/v2/`);

    assert.equal(answer.status, 401);
    assert.match(
      answer.headers.get('www-authenticate') ?? '',
      /realm="http:\/\/127.0.0.1:1\/registry\/token",service="eve-registry"/,
    );
  });

  it('takes a push and gives a pull within what the token opens, and refuses all else', async () => {
    const push = await tokenFor(at, 'acme/shop/web', 'pull', 'push');
    const pull = await tokenFor(at, 'acme/shop/web', 'pull');

    const digest = await pushImage(at, 'acme/shop/web', 'v1', []);
    const pulled = await send(at, 'GET', '/v2/acme/shop/web/manifests/v1', pull);
    assert.equal(pulled.headers.get('docker-content-digest'), digest);

    assert.equal(await pushBlob(at, 'acme/shop/web', 'layer', pull), 401);
    assert.equal(await pushBlob(at, 'acme/other/web', 'layer', push), 401);
    assert.equal((await send(at, 'GET', '/v2/acme/other/web/tags/list', push)).status, 401);
    assert.equal((await send(at, 'GET', '/v2/_catalog', push)).status, 401);
  });

  it('refuses a token of another key, of another service, and one that expired', async () => {
    const scopes = [{ type: 'repository', name: 'acme/shop/web', actions: ['pull'] }];
    const past = () => new Date(Date.now() - 3_600_000);
    const tokens = await Promise.all([
      registryTokens({ dataDir: join(dataDir, 'stranger') }).sign({ subject: 'x', service, scopes }),
      registryTokens({ dataDir }).sign({ subject: 'x', service: 'other', scopes }),
      registryTokens({ dataDir, now: past }).sign({ subject: 'x', service, scopes }),
    ]);

    for (const { token } of tokens) {
      assert.equal((await send(at, 'GET', '/v2/acme/shop/web/tags/list', token)).status, 401);
    }
    assert.equal(
      (await send(at, 'GET', '/v2/acme/shop/web/tags/list', await tokenFor(at, 'acme/shop/web', 'pull'))).status,
      200,
    );
  });

  it('is adopted while it runs, started again after it was killed, and replaced when its settings change', async () => {
    const first = await start();
    assert.equal(await start(), first);

    process.kill(first, 'SIGKILL');
    const second = await start();
    assert.notEqual(second, first);
    assert.equal(
      (await send(at, 'GET', '/v2/acme/shop/web/tags/list', await tokenFor(at, 'acme/shop/web', 'pull'))).status,
      200,
    );

    const third = await start({ realm: 'http://127.0.0.1:2/registry/token' });
    assert.notEqual(third, second);
    assert.match((await fetch(`${at.url}/v2/`)).headers.get('www-authenticate') ?? '', /127.0.0.1:2/);
  });

  it('says which port another program holds', async () => {
    await stopRegistry(dataDir);
    const holder = createServer().listen(options.port, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));

    const started = startRegistry(options);

    await assert.rejects(started, (error: Error) => error.message.includes(`port ${options.port}`));
    await new Promise((resolve) => holder.close(resolve));
  });
});

for (const missing of [null, '/nowhere/registry']) {
  it(`says what to do when there is no registry program (${missing})`, async () => {
    const started = startRegistry({
      ...options,
      dataDir: join(dataDir, 'none'),
      port: await freePort(),
      program: missing,
    });

    await assert.rejects(started, { code: 'registry_unavailable', message: /Install the package docker-registry/ });
  });
}
