import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@eve/adapter-process/testing';
import type { RegistryStorage } from '@eve/operations';
import { placeOf, type RegistryOptions, startRegistry, stopRegistry } from './distribution.ts';
import { digestOf, type PushedTo, pushBlob, pushImage, send, testService, tokenFor } from './pushing.fixture.ts';
import { registryStorage } from './registry-storage.ts';

const program = ['/usr/bin/docker-registry', '/usr/local/bin/registry'].find((path) => existsSync(path)) ?? null;
const never = new AbortController().signal;
const indexType = 'application/vnd.oci.image.index.v1+json';
let options: RegistryOptions;
let at: PushedTo;
let storage: RegistryStorage;

before(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'eve-registry-storage-'));
  const port = await freePort();
  options = { dataDir, program, port, realm: 'http://127.0.0.1:1/registry/token', service: testService };
  at = { dataDir, url: `http://127.0.0.1:${port}` };
  storage = registryStorage(options);
  if (program) await startRegistry(options);
});

after(async () => {
  await stopRegistry(options.dataDir);
  await rm(options.dataDir, { recursive: true, force: true });
});

async function pull(repository: string, digest: string): Promise<number> {
  return (await send(at, 'GET', `/v2/${repository}/manifests/${digest}`, await tokenFor(at, repository, 'pull')))
    .status;
}

async function remove(repository: string, digest: string): Promise<void> {
  const token = await tokenFor(at, repository, 'delete');
  assert.equal((await send(at, 'DELETE', `/v2/${repository}/manifests/${digest}`, token)).status, 202);
}

describe('storage of the registry', { skip: program ? false : 'no registry program is installed here' }, () => {
  it('lists every manifest with what it needs, in nested repositories too, and no removed one', async () => {
    const first = await pushImage(at, 'acme/shop/web', 'v1', ['a layer']);
    const second = await pushImage(at, 'acme/shop/web/deep', 'v1', ['another layer', 'a layer']);
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: indexType,
      manifests: [{ mediaType: 'application/vnd.docker.distribution.manifest.v2+json', digest: first, size: 1 }],
    });
    const push = await tokenFor(at, 'acme/shop/web', 'pull', 'push');
    assert.equal((await send(at, 'PUT', '/v2/acme/shop/web/manifests/all', push, index, indexType)).status, 201);
    await remove('acme/shop/web', await pushImage(at, 'acme/shop/web', 'gone', ['of the gone']));

    const found = await storage.manifests(never);

    const shown = found.map(({ repository, digest, lists, blobs }) => [repository, digest, lists, blobs.length]);
    assert.deepEqual(
      shown.toSorted(),
      [
        ['acme/shop/web', first, [], 3],
        ['acme/shop/web', digestOf(index), [first], 1],
        ['acme/shop/web/deep', second, [], 4],
      ].toSorted(),
    );
    assert.ok(found.every(({ pushedAt }) => Math.abs(Date.now() - pushedAt.getTime()) < 60_000));
    const [{ blobs = [] } = {}] = found.filter(({ digest }) => digest === first);
    assert.ok(blobs.some(({ digest, sizeBytes }) => digest === digestOf('a layer') && sizeBytes === 7));
  });

  it('frees what only a removed manifest named, keeps the rest, and takes pushes again', async () => {
    const shared = 'shared '.repeat(1000);
    const kept = await pushImage(at, 'acme/shop/api', 'kept', [shared]);
    const gone = await pushImage(at, 'acme/shop/api', 'gone', [shared, 'only here '.repeat(10_000)]);
    await remove('acme/shop/api', gone);

    const { freedBytes } = await storage.collect(never);

    assert.ok(freedBytes >= 100_000 && freedBytes < 110_000, `${freedBytes} bytes`);
    assert.equal(await pull('acme/shop/api', kept), 200);
    const push = await tokenFor(at, 'acme/shop/api', 'pull', 'push');
    assert.equal((await send(at, 'HEAD', `/v2/acme/shop/api/blobs/${digestOf(shared)}`, push)).status, 200);
    assert.equal(await pushBlob(at, 'acme/shop/api', 'new', push), 201);
    assert.equal((await storage.collect(never)).freedBytes < 1000, true);
  });

  it('lets nothing be pushed, and everything be pulled, while it collects', async () => {
    const kept = await pushImage(at, 'acme/shop/jobs', 'kept', ['x']);
    const push = await tokenFor(at, 'acme/shop/jobs', 'pull', 'push');
    let [taken, refused, pulled, away] = [0, 0, 0, 0];
    const done = new AbortController();
    const watching = (async () => {
      while (!done.signal.aborted) {
        const readOnly = (await readFile(placeOf(at.dataDir).configFile, 'utf8')).includes('readonly');
        const [status, got] = await Promise.all([
          pushBlob(at, 'acme/shop/jobs', `${Math.random()}`, push).catch(() => 0),
          pull('acme/shop/jobs', kept).catch(() => 0),
        ]);
        const stillReadOnly = (await readFile(placeOf(at.dataDir).configFile, 'utf8')).includes('readonly');
        if (readOnly && stillReadOnly && status === 201) taken += 1;
        if (status === 405) refused += 1;
        if (got === 200) pulled += 1;
        else if (got === 0) away += 1;
        else assert.fail(`a pull was answered with ${got}`);
        await sleep(5);
      }
    })();

    await storage.collect(never);
    done.abort();
    await watching;

    assert.equal(taken, 0);
    assert.ok(pulled > 0, `${pulled} pulls, ${away} while it started, ${refused} pushes refused`);
    assert.equal(await pull('acme/shop/jobs', kept), 200);
  });

  it('is opened again by the next start when Eve ended in between', async () => {
    await startRegistry({ ...options, readOnly: true });
    const push = await tokenFor(at, 'acme/shop/web', 'pull', 'push');
    assert.equal(await pushBlob(at, 'acme/shop/web', 'while closed', push), 405);

    await startRegistry(options);

    assert.equal(await pushBlob(at, 'acme/shop/web', 'while open', push), 201);
  });

  it('is open after a collection that failed or was ended', async () => {
    const broken = registryStorage({ ...options, program: '/usr/bin/false' });
    await assert.rejects(broken.collect(never));
    await startRegistry(options);
    const ending = new AbortController();
    const collecting = storage.collect(ending.signal);
    setTimeout(() => ending.abort(new Error('stopped')), 150);
    await collecting.catch(() => undefined);

    const push = await tokenFor(at, 'acme/shop/web', 'pull', 'push');
    assert.equal(await pushBlob(at, 'acme/shop/web', 'after', push), 201);
  });
});
