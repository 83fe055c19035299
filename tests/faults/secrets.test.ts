import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { dockerEngine } from '@eve/adapter-docker';
import { testRegistry } from '@eve/adapter-process/testing';
import { findEngine } from '@eve/local';
import { peekInstallation } from '@eve/server';
import { openScene, type Scene } from '../failures/scene.ts';
import { canary, knownCanary, type Search, searchFor } from './canaries.ts';
import { type ProcessWatch, watchProcesses } from './process-watch.ts';
import { recordedAnswers } from './recorded-answers.ts';
import { canaries, registryUser } from './secret-cases.ts';
import { leaksInDatabase, leaksInEngine, leaksInFiles } from './secret-places.ts';
import { credentialsOf, databaseUrl, useSecrets } from './secret-use.ts';

/** Where a secret may be, and why. */
const mayBe = {
  // The operator gave these two to Eve as variables, and to nothing else.
  eveItself: [canaries.masterKey.name, canaries.internalKey.name],
  // A service asks for its secret as a variable.
  service: [canaries.runSecret.name],
  // Keeps the owner's token for `eve` on this machine; readable by its owner only.
  credentialsFile: { 'credentials.json': ['API token'] },
};

describe('secrets', () => {
  const undo = new AsyncDisposableStack();
  const answers = recordedAnswers();
  const defer = (act: () => PromiseLike<unknown>) =>
    undo.defer(async () => {
      await act();
    });
  let scene: Scene;
  let search: Search;
  let watch: ProcessWatch;
  let registryHost: string;
  let registryStorage: string;

  before(async () => {
    search = searchFor(Object.values(canaries));
    watch = watchProcesses(search, (found, { command, environment }) => {
      if (command.includes('apps/local/bin/start.js')) return mayBe.eveItself.includes(found);
      return environment.includes('CANARY_SERVICE=web') && mayBe.service.includes(found);
    });
    defer(() => watch[Symbol.asyncDispose]());
    registryStorage = await mkdtemp(join(tmpdir(), 'eve-canary-'));
    defer(() => rm(registryStorage, { recursive: true, force: true }));
    const registry = await testRegistry({ htpasswd: registryUser.htpasswd, storage: registryStorage });
    defer(() => registry[Symbol.asyncDispose]());
    registryHost = registry.host;
    const settings = {
      EVE_MASTER_KEY: canaries.masterKey.value,
      EVE_INTERNAL_API_KEY: canaries.internalKey.value,
      EVE_DEFAULT_TIER: 'enterprise',
      EVE_BUILD_SLOTS: '8',
      EVE_LOG_LEVEL: 'trace',
    };
    scene = await openScene(settings, { fetch: answers.fetch });
    defer(() => scene[Symbol.asyncDispose]());
    const { token } = await credentialsOf(scene.installation);
    search = searchFor([...Object.values(canaries), knownCanary('API token', token)]);
    await useSecrets({ scene, answers }, registryHost, defer);
  });
  after(() => undo.disposeAsync());

  it('are found by the search in every form, plain and packed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'eve-canary-self-'));
    const planted = canary('planted', `x"#"/+\n#`);
    const look = searchFor([planted, ...Object.values(canaries)]);
    const { value } = planted;
    const forms = [
      value,
      ...['', 'x', 'xy'].map((before) => Buffer.from(`${before}${value}`).toString('base64')),
      Buffer.from(value).toString('base64url'),
      encodeURIComponent(value),
      JSON.stringify(value),
      value.split('\n')[1] ?? '',
    ];
    const packed = [gzipSync(value), Buffer.concat([zstdCompressSync('first'), zstdCompressSync(value)])];
    for (const [index, content] of [...forms, ...packed].entries())
      await writeFile(
        join(directory, String(index)),
        Buffer.concat([Buffer.from(index > 7 ? '' : 'before '), Buffer.from(content)]),
      );

    const { leaks } = await leaksInFiles(directory, look);

    assert.deepEqual(leaks.sort(), [...forms, ...packed].map((_, index) => `file ${index}: planted`).sort());
    await rm(directory, { recursive: true });
  });

  it('are in no arguments of any process, and in no environment that need not have them', () => {
    assert.deepEqual([...watch.found], []);
    assert.ok(watch.seen > 50, `${watch.seen} processes were looked at`);
  });

  it('are in no answer of the API', () => {
    const all = answers.all();
    const leaks = all.flatMap(({ asked, answer }) => search(Buffer.from(answer)).map((found) => `${asked}: ${found}`));

    assert.deepEqual(leaks, []);
    const text = all.map(({ answer }) => answer).join('\n');
    assert.match(text, /printed-everything/);
    assert.match(text, /\*\*\*/);
  });

  it('are in no column of any table', async () => {
    const { leaks, rows } = await leaksInDatabase(await databaseUrl(scene.installation), search);

    assert.deepEqual(leaks, []);
    assert.ok(rows > 100, `${rows} rows were looked at`);
  });

  it('are in nothing that the engine knows', async () => {
    const { dataDir } = scene.installation;
    const installation = await peekInstallation(dataDir);
    const host = process.env.EVE_TEST_DOCKER_HOST ?? (await findEngine({ dataDir }))?.host;
    assert.ok(host && installation);
    const docker = dockerEngine({ socketPath: host });

    const place = { installation: installation.id, hosts: [registryHost, `127.0.0.1:${installation.ports.registry}`] };
    const { leaks, images, containers } = await leaksInEngine(docker, place, search);

    assert.deepEqual(leaks, []);
    assert.ok(images >= 1 && containers >= 1, `${images} images and ${containers} containers were looked at`);
  });

  it('are in no image that was pushed', async () => {
    const { leaks, files } = await leaksInFiles(registryStorage, search);

    assert.deepEqual(leaks, []);
    assert.ok(files >= 5, `${files} files were looked at`);
  });

  it('are in no file of the installation but the places made for them', async () => {
    await scene.started.interrupt();
    const { leaks, files } = await leaksInFiles(scene.installation.dataDir, search, mayBe.credentialsFile);

    assert.deepEqual(leaks, []);
    assert.ok(files > 100, `${files} files were looked at`);
  });

  it('are in nothing that Eve has printed, but for the line that shows the token once', () => {
    const printed = scene.started.printed();

    assert.deepEqual(search(Buffer.from(printed.replace(/^Token \(shown once.*$/m, ''))), []);
    assert.match(printed, /Eve is ready[\s\S]*Eve has stopped/);
  });
});
