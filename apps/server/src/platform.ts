import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { directoryLogSpool } from '@eve/adapter-blobs';
import { type Daemons, daemonsAt, trimLayerCaches } from '@eve/adapter-builders';
import {
  createNotifications,
  createPool,
  database,
  ensureLogPartitions,
  migrate,
  postgresLogs,
  postgresStore,
  queueRecords,
  recordedInstallation,
  workQueue,
} from '@eve/adapter-postgres';
import { registryLogins, registryReader } from '@eve/adapter-registries';
import { gitSource } from '@eve/adapter-sources';
import type { Capacity } from '@eve/domain';
import { isLoginRevoked, type Log, lostMasterKeys, type Platform, type RegistryStorage } from '@eve/operations';
import { openBlobs } from './blobs.ts';
import type { Config } from './config.ts';
import type { Installation } from './data-directory.ts';
import { type DockerParts, dockerRuntime, type RuntimeOptions } from './docker-runtime.ts';
import { failpoint } from './failpoint.ts';
import { openKeys } from './keys.ts';
import { kubernetesRuntime } from './kubernetes-runtime.ts';
import { newId } from './new-id.ts';

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
  readonly git: string;
  /** The Docker engine (`unix://…`) and the programs that go with it; null where revisions run on Kubernetes. */
  readonly docker: DockerParts | null;
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
const partitionsEveryMs = 12 * 60 * 60_000;
const trimEveryMs = 60_000;

/** Wires every port to its adapter: the only place where they meet. Migrates the database first. */
export async function openPlatform(parts: PlatformParts): Promise<Platform & AsyncDisposable> {
  const { config, databaseUrl, log, local } = parts;
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
  const installation = { ...parts.installation, id: await recordedInstallation(pool, parts.installation.id) };
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

  const keys = await openKeys(config, { local, registry: parts.registryHost !== null });
  const insecure = [
    ...config.EVE_BUILDKIT_INSECURE_REGISTRIES.split(',').map((host) => host.trim()),
    config.EVE_BUILDKIT_INSECURE_ALL ? '*' : '',
  ].filter(Boolean);
  const variables = {
    ...(config.SSL_CERT_FILE && { SSL_CERT_FILE: config.SSL_CERT_FILE, GIT_SSL_CAINFO: config.SSL_CERT_FILE }),
  };
  const ending = new AbortController();
  opening.defer(() => ending.abort(new Error('this process ends')));
  const blobs = await openBlobs(config, ending.signal);
  // A daemon that somebody else runs is reached with the machine's own client.
  const buildkit =
    config.EVE_BUILDKIT_ADDR === undefined
      ? (parts.buildkit ?? null)
      : { buildctl: 'buildctl', daemons: daemonsAt(config.EVE_BUILDKIT_ADDR) };
  const runtimeOptions: RuntimeOptions = {
    ...{ config, installation: installation.id, workDir, insecureHosts: insecure, variables, buildkit, now, log },
  };
  const onCluster = parts.docker === null;
  const { machine, ...runtime } = parts.docker
    ? { machine: thisMachine(parts), ...dockerRuntime(parts.docker, parts.networkPool, runtimeOptions) }
    : await kubernetesRuntime(runtimeOptions, parts);
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
    vault: keys.vault,
    source: gitSource({ workDir, git: parts.git, variables }),
    ...runtime,
    registry: registryReader({
      insecureHosts: insecure,
      ownHost: parts.registryHost,
      closedAddresses: config.EVE_LOCAL_SOURCES ?? local,
      certificates: config.SSL_CERT_FILE ? await certificatesOf(config.SSL_CERT_FILE, log) : [],
    }),
    registryTokens: keys.registryTokens,
    registryLogins: registryLogins({
      key: keys.loginKey,
      host: parts.registryHost ?? 'registry.invalid',
      isRevoked: (subject) => isLoginRevoked({ store }, subject),
    }),
    registryStorage: parts.registryStorage ?? null,
    settings: {
      installation: installation.id,
      localSources: config.EVE_LOCAL_SOURCES ?? local,
      buildReuse: config.EVE_BUILD_REUSE,
      buildBackend: config.EVE_BUILD_BACKEND ?? (parts.buildkit || onCluster ? 'buildkit' : 'buildx'),
      buildQueueTimeoutMs: config.EVE_BUILD_QUEUE_TIMEOUT,
      buildPrepareTimeoutMs: config.EVE_BUILD_PREPARE_TIMEOUT,
      buildCache: config.EVE_BUILD_CACHE,
      sbomScanner: config.EVE_SBOM_SCANNER ?? null,
      cacheDir: layers.directory,
      machine,
      registryHost: parts.registryHost,
      registryService,
      internalApiKey: config.EVE_INTERNAL_API_KEY ?? null,
      domain: config.EVE_DOMAIN,
      routerPort: installation.ports.router,
      addresses: onCluster ? 'cluster' : 'machine',
      lastingLogins: onCluster,
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
      // Every Job has a daemon of its own.
      sharedEngine: (buildkit === null && !onCluster) || config.EVE_BUILDKIT_ADDR?.includes('{organisation}') === false,
    },
    log,
    now,
    newId,
    failpoint: failpoint(config.EVE_FAILPOINT),
  };
  await lostMasterKeys(platform);
  const opened = opening.move();
  return { ...platform, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Builds of this machine's own engine cannot use more than it has. */
function thisMachine({ local, config }: PlatformParts): Capacity | null {
  if (!local || config.EVE_BUILDKIT_ADDR !== undefined) return null;
  return { memoryBytes: totalmem(), cpus: availableParallelism() };
}

async function certificatesOf(file: string, log: Log): Promise<readonly string[]> {
  try {
    return [await readFile(file, 'utf8')];
  } catch (error) {
    log.warn({ file, error: String(error) }, 'the certificates of SSL_CERT_FILE cannot be read');
    return [];
  }
}
