import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@eve/adapter-postgres';
import { type RegistryOptions, registryStorage, startRegistry, stopRegistry } from '@eve/adapter-registries';
import { PlatformError } from '@eve/domain';
import type { Platform } from '@eve/operations';
import {
  type Config,
  type DataDirectory,
  logOf,
  openDataDirectory,
  openLogger,
  openPlatform,
  registryService,
  startServer,
} from '@eve/server';
import { ownBuildkit } from './buildkit.ts';
import type { Credentials } from './credentials.ts';
import { type Engine, findEngine, startEngine } from './engine.ts';
import { engineBlock } from './engine-state.ts';
import { ensureCredentials } from './first-run.ts';
import { prepareMachine } from './machine.ts';
import { reviveInstances } from './our-containers.ts';
import type { Programs } from './programs.ts';
import type { Log } from './run-program.ts';

export interface StartOptions {
  readonly config: Config;
  readonly version: string;
  readonly yes: boolean;
  readonly say: Log;
  readonly signal: AbortSignal;
}

/** A running Eve of one machine. Disposing ends Eve itself; apps, router, registry and engine go on serving. */
export interface LocalEve extends AsyncDisposable {
  readonly directory: DataDirectory;
  readonly platform: Platform;
  /** Null where what is deployed runs on a cluster. */
  readonly engine: Engine | null;
  readonly programs: Programs;
  readonly credentials: Credentials;
  /** Whether the credentials were made just now. */
  readonly freshCredentials: boolean;
  /** Whether there is no project yet. */
  readonly empty: boolean;
}

/** Starts everything that an installation on one machine consists of; what runs already is adopted. */
export async function startLocal({ config, version, yes, say, signal }: StartOptions): Promise<LocalEve> {
  await using starting = new AsyncDisposableStack();
  const { dataDir, cacheDir } = config;
  const asked = portOf(config.EVE_LISTEN);
  const wanted = {
    api: asked?.port ?? null,
    registry: config.EVE_REGISTRY_PORT ?? null,
    router: config.EVE_ROUTER_PORT ?? null,
  };
  const directory = starting.use(await openDataDirectory(dataDir, wanted));
  const { installation, movedFrom } = directory;
  const { ports } = installation;
  if (movedFrom !== null) say(`Port ${movedFrom} is taken by another program: the API listens on ${ports.api}.`);

  const logger = openLogger(config, join(dataDir, 'eve.log'));
  const log = logOf(logger);
  const dockerHost = config.DOCKER_HOST ?? null;
  const cluster = config.EVE_DEPLOYER === 'kubernetes';
  const programs = await prepareMachine({
    dataDir,
    cacheDir,
    dockerHost,
    cluster,
    install: config.EVE_INSTALL,
    yes,
    log: say,
    signal,
  });
  const { buildx, haproxy, git } = programs;
  if (!git || (!cluster && !(buildx && haproxy)))
    throw new PlatformError('engine_unavailable', 'A program is still missing after the installation.');

  const host = asked?.host ?? '127.0.0.1';
  const publicUrl = config.EVE_PUBLIC_URL ?? `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${ports.api}`;
  const registryHost = config.EVE_REGISTRY_HOST ?? `127.0.0.1:${ports.registry}`;
  const starts = config.DATABASE_URL
    ? null
    : startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), port: null, log });
  // Also when something else below cannot start while the database still does.
  if (starts) starting.defer(async () => (await starts.catch(() => null))?.stop());
  const registryOptions: RegistryOptions = {
    dataDir,
    program: programs.registry ?? null,
    ...registryAddress(config, ports.registry),
    realm: `${publicUrl}/registry/token`,
    service: registryService,
  };
  const registry = startRegistry(registryOptions, signal);
  // It outlives Eve, but not a start that fails.
  await using unlessStarted = new AsyncDisposableStack();
  unlessStarted.defer(async () => {
    if ((await registry.catch(() => null))?.adopted === false) await stopRegistry(dataDir);
  });
  const [postgres, engine] = await Promise.all([
    starts,
    cluster ? null : runningEngine(config, programs, registryHost, say, signal),
    registry,
  ]);
  const platform = starting.use(
    await openPlatform({
      config,
      installation,
      databaseUrl: config.DATABASE_URL ?? (postgres?.url as string),
      git,
      docker: engine && buildx && haproxy ? { host: engine.host, buildx, haproxy } : null,
      buildkit: cluster ? null : await ownBuildkit(config, registryHost, say),
      local: true,
      publicUrl,
      registryHost,
      registryStorage: registryStorage(registryOptions),
      networkPool: (engine?.own && (await engineBlock(dataDir))) || config.EVE_NETWORK_POOL,
      log,
    }),
  );
  await directory.adopt(platform.settings.installation);
  if (engine) await reviveInstances(engine, platform.settings.installation, signal);
  starting.use(await startServer(platform, { config, host, port: ports.api, version, logger }));
  const { credentials, fresh } = await ensureCredentials(platform, { dataDir, url: publicUrl });
  const empty = (await platform.store.projects.countAll()) === 0;
  unlessStarted.move();
  const running = starting.move();
  return {
    directory,
    platform,
    engine,
    programs,
    credentials,
    freshCredentials: fresh,
    empty,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Where the registry listens: on loopback, or where nodes and builds of a cluster reach it. */
function registryAddress(
  { EVE_REGISTRY_HOST: named }: Config,
  chosen: number,
): Required<Pick<RegistryOptions, 'host' | 'port'>> {
  if (named === undefined) return { host: '127.0.0.1', port: chosen };
  const [host = '', port = '80'] = named.split(':');
  // A name means whatever address of this machine others find behind it.
  return { host: isIPv4(host) ? host : '0.0.0.0', port: Number(port) };
}

async function runningEngine(
  config: Config,
  programs: Programs,
  registryHost: string,
  say: Log,
  signal: AbortSignal,
): Promise<Engine> {
  const { dataDir } = config;
  const found = await findEngine({ dataDir, dockerHost: config.DOCKER_HOST ?? null });
  if (found && !found.own) return found;
  return startEngine({ dataDir, programs, mirror: `http://${registryHost}`, log: say, signal });
}

function portOf(listen: string | undefined): { host: string; port: number } | null {
  if (listen === undefined) return null;
  const at = listen.lastIndexOf(':');
  return { host: listen.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(listen.slice(at + 1)) };
}
