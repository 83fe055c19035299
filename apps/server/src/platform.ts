import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { directoryBlobs, directoryLogSpool } from '@eve/adapter-blobs';
import { buildkitBuilder, buildxBuilder, type Daemons, daemonsAt, trimLayerCaches } from '@eve/adapter-builders';
import { dockerDeployer } from '@eve/adapter-deployers';
import { dockerEngine } from '@eve/adapter-docker';
import { keyFileVault } from '@eve/adapter-keys';
import {
  createNotifications,
  createPool,
  database,
  ensureLogPartitions,
  migrate,
  postgresLogs,
  postgresStore,
  queueRecords,
  workQueue,
} from '@eve/adapter-postgres';
import { openLoginKey, registryLogins, registryReader, registryTokens } from '@eve/adapter-registries';
import { haproxyRouter } from '@eve/adapter-routers';
import { dockerRunner } from '@eve/adapter-runners';
import { gitSource } from '@eve/adapter-sources';
import { encodeId, isId, uuidV7 } from '@eve/domain';
import { type Log, lostMasterKeys, type Platform, type RegistryStorage } from '@eve/operations';
import type { Config } from './config.ts';
import type { Installation } from './data-directory.ts';
import { failpoint } from './failpoint.ts';
import { givenVault } from './given-vault.ts';

/** How builds reach BuildKit itself. */
export interface BuildkitParts {
  readonly buildctl: string;
  readonly daemons: Daemons;
}

/** What a process was given to work with. */
export interface PlatformParts {
  readonly config: Config;
  readonly installation: Installation;
  readonly databaseUrl: string;
  /** `unix://…` */
  readonly dockerHost: string;
  readonly programs: { readonly buildx: string; readonly haproxy: string; readonly git: string };
  /** BuildKit daemons of this installation, where it has its own. */
  readonly buildkit?: BuildkitParts | null;
  /** Whether this is the one-machine installation of a person. */
  readonly local: boolean;
  readonly publicUrl: string;
  readonly registryHost: string | null;
  /** Of the registry that Eve runs on this machine. */
  readonly registryStorage?: RegistryStorage | null;
  /** Where networks of environments are cut from. */
  readonly networkPool: string;
  readonly log: Log;
}

export const registryService = 'eve-registry';
const servicePorts = 3_000;
const partitionsEveryMs = 12 * 60 * 60_000;
const trimEveryMs = 60_000;

/** Wires every port to its adapter: the only place where they meet. Migrates the database first. */
export async function openPlatform(parts: PlatformParts): Promise<Platform & AsyncDisposable> {
  const { config, installation, databaseUrl, log, local } = parts;
  const { dataDir } = config;
  const workDir = join(dataDir, 'work');
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  const now = () => new Date();

  const pool = createPool({
    url: databaseUrl,
    onError: (error) => log.warn({ error: error.message }, 'a database connection broke'),
  });
  await using opening = new AsyncDisposableStack();
  opening.defer(() => pool.end());
  await migrate(pool);
  await ensureLogPartitions(pool, { at: now() });
  const partitions = setInterval(() => {
    ensureLogPartitions(pool, { at: now() }).catch((error: unknown) =>
      log.warn({ error: String(error) }, 'log partitions could not be made'),
    );
  }, partitionsEveryMs).unref();
  opening.defer(() => clearInterval(partitions));
  const layers = { directory: join(dataDir, 'layers'), maxBytes: config.EVE_BUILD_CACHE_BYTES };
  const trimming = setInterval(() => {
    trimLayerCaches(layers).catch((error: unknown) =>
      log.warn({ error: String(error) }, 'layer caches could not be trimmed'),
    );
  }, trimEveryMs).unref();
  opening.defer(() => clearInterval(trimming));
  const notifications = opening.use(
    createNotifications(pool, {
      url: config.EVE_DATABASE_LISTEN_URL ?? databaseUrl,
      onError: (error) => log.warn({ error: error.message }, 'the listening connection broke'),
    }),
  );

  const engine = dockerEngine({ socketPath: parts.dockerHost });
  const keys = join(dataDir, 'keys');
  const insecure = [
    ...config.EVE_BUILDKIT_INSECURE_REGISTRIES.split(',').map((host) => host.trim()),
    config.EVE_BUILDKIT_INSECURE_ALL ? '*' : '',
  ].filter(Boolean);
  const variables = {
    ...(config.SSL_CERT_FILE && { SSL_CERT_FILE: config.SSL_CERT_FILE, GIT_SSL_CAINFO: config.SSL_CERT_FILE }),
  };
  const blobs = directoryBlobs(join(dataDir, 'blobs'));
  // A daemon that somebody else runs is reached with the machine's own client.
  const buildkit =
    config.EVE_BUILDKIT_ADDR === undefined
      ? (parts.buildkit ?? null)
      : { buildctl: 'buildctl', daemons: daemonsAt(config.EVE_BUILDKIT_ADDR) };
  const store = postgresStore(database(pool), queueRecords);
  const platform: Platform = {
    store,
    queue: workQueue(pool, { url: config.EVE_DATABASE_LISTEN_URL ?? databaseUrl, notifications }),
    logs: postgresLogs(pool, { notifications, blobs }),
    logSpool: directoryLogSpool({
      directory: join(workDir, 'log-lines'),
      maxBytes: config.EVE_LOG_SPOOL_MB * 1024 * 1024,
    }),
    blobs,
    vault: givenVault(config) ?? (await keyFileVault(join(keys, 'master.key'))),
    source: gitSource({ workDir, git: parts.programs.git, variables }),
    builders: {
      buildx: buildxBuilder({
        ...{ workDir, insecureHosts: insecure, variables },
        buildx: parts.programs.buildx,
        dockerHost: parts.dockerHost,
        daemons: buildkit?.daemons ?? null,
      }),
      ...(buildkit && {
        buildkit: buildkitBuilder({ ...buildkit, workDir, insecureHosts: insecure, variables }),
      }),
    },
    registry: registryReader({
      insecureHosts: insecure,
      ownHost: parts.registryHost,
      closedAddresses: config.EVE_LOCAL_SOURCES ?? local,
      certificates: config.SSL_CERT_FILE ? await certificatesOf(config.SSL_CERT_FILE, log) : [],
    }),
    registryTokens: parts.registryHost ? registryTokens({ dataDir }) : null,
    registryLogins: registryLogins({
      key: await openLoginKey(join(keys, 'registry-logins.key')),
      host: parts.registryHost ?? 'registry.invalid',
      isRevoked: (subject) =>
        isId('brun', subject)
          ? store.buildRuns.hasEnded(subject)
          : isId('dep', subject) && store.deploys.hasEnded(subject),
    }),
    deployer: dockerDeployer({
      engine,
      installation: installation.id,
      now,
      networkPool: parts.networkPool,
      // Above the ports of services: a container must never take one that a stopped service comes back to.
      ports: {
        from: config.EVE_SERVICE_PORTS_FROM + servicePorts,
        to: config.EVE_SERVICE_PORTS_FROM + 3 * servicePorts,
      },
    }),
    router: haproxyRouter({ dataDir, program: parts.programs.haproxy }),
    registryStorage: parts.registryStorage ?? null,
    runner: dockerRunner({ engine, installation: installation.id }),
    settings: {
      installation: installation.id,
      localSources: config.EVE_LOCAL_SOURCES ?? local,
      buildReuse: config.EVE_BUILD_REUSE,
      buildBackend: config.EVE_BUILD_BACKEND ?? (parts.buildkit ? 'buildkit' : 'buildx'),
      buildQueueTimeoutMs: config.EVE_BUILD_QUEUE_TIMEOUT,
      buildPrepareTimeoutMs: config.EVE_BUILD_PREPARE_TIMEOUT,
      buildCache: config.EVE_BUILD_CACHE,
      sbomScanner: config.EVE_SBOM_SCANNER ?? null,
      cacheDir: layers.directory,
      machine:
        local && config.EVE_BUILDKIT_ADDR === undefined
          ? { memoryBytes: totalmem(), cpus: availableParallelism() }
          : null,
      registryHost: parts.registryHost,
      registryService,
      internalApiKey: config.EVE_INTERNAL_API_KEY ?? null,
      domain: config.EVE_DOMAIN,
      routerPort: installation.ports.router,
      servicePortsFrom: config.EVE_SERVICE_PORTS_FROM,
      defaultTier: config.EVE_DEFAULT_TIER,
      publicUrl: parts.publicUrl,
      drainMs: config.EVE_DRAIN_SECONDS * 1000,
      stabiliseMs: config.EVE_STABILISE_SECONDS * 1000,
      driftMs: config.EVE_DRIFT_SECONDS * 1000,
      retention: {
        revisions: config.EVE_RETENTION_REVISIONS,
        releases: config.EVE_RETENTION_RELEASES,
        builds: config.EVE_RETENTION_BUILDS,
        imagesMs: config.EVE_RETENTION_IMAGES,
        logsMs: config.EVE_RETENTION_LOGS,
        everyMs: config.EVE_RETENTION_EVERY,
      },
      // A daemon's layers are open to all who build on it: each organisation has to have its own.
      sharedEngine: buildkit === null || config.EVE_BUILDKIT_ADDR?.includes('{organisation}') === false,
    },
    log,
    now,
    newId: (prefix) => encodeId(prefix, uuidV7(Date.now(), randomBytes(10))),
    failpoint: failpoint(config.EVE_FAILPOINT),
  };
  await lostMasterKeys(platform);
  const opened = opening.move();
  return { ...platform, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function certificatesOf(file: string, log: Log): Promise<readonly string[]> {
  try {
    return [await readFile(file, 'utf8')];
  } catch (error) {
    log.warn({ file, error: String(error) }, 'the certificates of SSL_CERT_FILE cannot be read');
    return [];
  }
}
