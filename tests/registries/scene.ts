import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryProgram } from '@eve/adapter-process';
import { freePort, testEngine } from '@eve/adapter-process/testing';
import {
  registryLogins,
  registryReader,
  registryStorage,
  registryTokens,
  startRegistry,
  stopRegistry,
} from '@eve/adapter-registries';
import { isId } from '@eve/domain';
import type { Platform, RegistryLogin } from '@eve/operations';
import { registryTokenRoutes } from '@eve/protocol-registry-token';
import Fastify from 'fastify';
import { type TestPlatform, testPlatform } from '../../operations/testing/index.ts';

export const internalKey = 'the internal key of this test';
export const service = 'eve-registry';

/** What an engine needs to push: why it cannot be had, or how. */
export type Engine = Exclude<Awaited<ReturnType<typeof testEngine>>, { missing: string }>;

/** The reason why these tests cannot run here, or the engine. */
export async function engineWithRegistry(): Promise<Engine | { missing: string }> {
  if (!existsSync('/usr/bin/docker-registry')) return { missing: 'the package docker-registry is not installed' };
  return testEngine();
}

/** Eve's own registry with everything it needs: a database, the token service, and what signs. */
export interface EveScene extends AsyncDisposable {
  readonly test: TestPlatform;
  readonly platform: Platform;
  readonly host: string;
  readonly url: string;
}

export async function eveScene(): Promise<EveScene> {
  const dataDir = await mkdtemp(join(tmpdir(), 'eve-registries-'));
  const host = `127.0.0.1:${await freePort()}`;
  const test = await testPlatform({ registryHost: host, internalApiKey: internalKey });
  const { store } = test.platform;
  const platform: Platform = Object.assign(test.platform, {
    registry: registryReader({ ownHost: host }),
    registryTokens: registryTokens({ dataDir }),
    registryLogins: registryLogins({
      key: randomBytes(32),
      host,
      isRevoked: (subject) => isId('brun', subject) && store.buildRuns.hasEnded(subject),
    }),
  });
  const app = Fastify();
  await app.register(registryTokenRoutes, { platform });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const port = Number(host.split(':')[1]);
  const options = { dataDir, program: '/usr/bin/docker-registry', port, service, realm: `${url}/registry/token` };
  await startRegistry(options);
  return {
    test,
    platform: { ...platform, registryStorage: registryStorage(options) },
    host,
    url,
    async [Symbol.asyncDispose]() {
      await stopRegistry(dataDir);
      await app.close();
      await test[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Builds an image of one file and pushes it with buildx, which knows these logins and no others; what it printed when that failed. */
export async function pushWithBuildx(
  engine: Engine,
  logins: readonly RegistryLogin[],
  tags: readonly string[],
  content: string,
): Promise<{ pushed: true; digest: string } | { pushed: false; printed: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-registries-push-'));
  try {
    const [context, config] = [join(directory, 'context'), join(directory, 'docker')];
    const metadata = join(directory, 'metadata.json');
    await mkdir(context);
    await mkdir(config);
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY content /content\n');
    await writeFile(join(context, 'content'), content);
    const auths = logins.map(({ host, username, password }) => {
      return [host, { auth: Buffer.from(`${username}:${password}`).toString('base64') }];
    });
    await writeFile(join(config, 'config.json'), JSON.stringify({ auths: Object.fromEntries(auths) }));
    const { code, stderr } = await tryProgram({
      file: engine.buildx,
      args: [
        ...['build', '--push', '--provenance=false', `--metadata-file=${metadata}`],
        ...[...tags.map((tag) => `--tag=${tag}`), context],
      ],
      env: { PATH: '/usr/bin:/bin', HOME: directory, DOCKER_HOST: engine.dockerHost, DOCKER_CONFIG: config },
    });
    if (code !== 0) return { pushed: false, printed: stderr };
    const { default: said } = await import(metadata, { with: { type: 'json' } });
    return { pushed: true, digest: String(said['containerimage.digest']) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
