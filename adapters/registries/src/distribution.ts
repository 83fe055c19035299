import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, type ProcessIdentity, runningFrom, startDetached, stopDetached } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import { registryConfig } from './registry-config.ts';
import {
  type RegistryContainerOptions,
  registryContainerName,
  removeRegistryContainer,
  startRegistryContainer,
} from './registry-container.ts';
import { certificateFile, openSigningKey } from './token/keys.ts';
import { tokenIssuer } from './token/tokens.ts';

/** How the registry of an installation is run. */
export interface RegistryOptions {
  readonly dataDir: string;
  /** CNCF distribution 2.8 or 3 (`docker-registry`, `registry`); null when there is none on this machine. */
  readonly program: string | null;
  /** Used when there is no program. */
  readonly container?: RegistryContainerOptions;
  readonly port: number;
  /** Loopback unless the operator wants otherwise. */
  readonly host?: string;
  /** Where clients get tokens, as they reach it. */
  readonly realm: string;
  readonly service: string;
  /** Refuses every push while it runs so. */
  readonly readOnly?: boolean;
}

/** What runs: a process, or a container by its name; `adopted` when it ran before. */
export type RunningRegistry = ({ readonly pid: number } | { readonly container: string }) & {
  readonly adopted: boolean;
};

/**
 * Runs the registry detached, so that images can be pulled while Eve is stopped; one that already runs with the same
 * settings is adopted. Throws `registry_unavailable`.
 */
export async function startRegistry(options: RegistryOptions, signal?: AbortSignal): Promise<RunningRegistry> {
  const { dataDir, program, port, host = '127.0.0.1' } = options;
  const place = placeOf(dataDir);
  await mkdir(place.storageDir, { recursive: true, mode: 0o700 });
  await openSigningKey(dataDir);
  const config = registryConfig({
    storageDir: place.storageDir,
    address: `${host}:${port}`,
    realm: options.realm,
    service: options.service,
    issuer: tokenIssuer,
    certificateFile: certificateFile(dataDir),
    uploadSecret: await uploadSecret(place.secretFile),
    readOnly: options.readOnly ?? false,
  });
  const running = await runningFrom(place.pidFile);
  const sameConfig = (await readFile(place.configFile, 'utf8').catch(() => '')) === config;
  // One that ended just now, or hangs, is not worth adopting.
  if (
    running &&
    sameConfig &&
    (await answering(options, place.logFile, running, signal).then(
      () => true,
      () => false,
    ))
  ) {
    return { pid: running.pid, adopted: true };
  }

  signal?.throwIfAborted();
  if (!program && !options.container) throw noProgram();
  await stopDetached(place.pidFile, 12_000);
  await writeFile(place.configFile, config, { mode: 0o600 });
  if (!program && options.container) {
    const container = registryContainerName(dataDir);
    const mounted = { ...place, config, certificateFile: certificateFile(dataDir), host, port };
    await startRegistryContainer(options.container, container, mounted);
    await answering(options, place.logFile, null, signal);
    return { container, adopted: false };
  }
  return startProcess(options, place, signal);
}

/** Ends the registry of a data directory, also where it is a container of this engine; images stay. */
export async function stopRegistry(dataDir: string, container?: RegistryContainerOptions): Promise<void> {
  await stopDetached(placeOf(dataDir).pidFile, 12_000);
  if (container) await removeRegistryContainer(container, registryContainerName(dataDir));
}

async function startProcess(options: RegistryOptions, place: RegistryPlace, signal?: AbortSignal) {
  const { program, port, host = '127.0.0.1' } = options;
  if (!program) throw noProgram();
  if (await isBusy(host, port)) {
    throw new PlatformError(
      'registry_unavailable',
      `The registry cannot listen on port ${port}: another program uses it.`,
    );
  }
  const started = await startDetached(program, ['serve', place.configFile], {
    ...place,
    variables: { OTEL_TRACES_EXPORTER: 'none' },
  }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' || error.code === 'EACCES' ? noProgram(program, error) : error;
  });
  try {
    await answering(options, place.logFile, started, signal);
  } catch (error) {
    await stopDetached(place.pidFile, 2_000);
    throw error;
  }
  return { pid: started.pid, adopted: false };
}

type RegistryPlace = ReturnType<typeof placeOf>;

/** Where everything of the registry of a data directory lies. */
export function placeOf(dataDir: string) {
  const directory = join(dataDir, 'registry');
  return {
    storageDir: join(directory, 'images'),
    configFile: join(directory, 'config.yml'),
    secretFile: join(directory, 'upload-secret'),
    pidFile: join(directory, 'registry.pid'),
    logFile: join(directory, 'registry.log'),
  };
}

async function uploadSecret(file: string): Promise<string> {
  const written = await readFile(file, 'utf8').catch(() => '');
  if (/^[0-9a-f]{64}$/.test(written)) return written;
  const secret = randomBytes(32).toString('hex');
  await writeFile(file, secret, { mode: 0o600 });
  return secret;
}

/** Waits until the registry asks for a token, which says that it serves and guards. */
async function answering(
  { host = '127.0.0.1', port }: RegistryOptions,
  logFile: string,
  it: ProcessIdentity | null,
  signal?: AbortSignal,
): Promise<void> {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host;
  for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 50) {
    const answer = await fetch(`http://${reached}:${port}/v2/`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => null,
    );
    if (answer?.status === 401) return;
    if (it && !(await isRunning(it))) break;
    await sleep(50, undefined, { signal });
  }
  const printed = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-3).join(' ');
  throw new PlatformError(
    'registry_unavailable',
    `The registry did not start: ${printed.slice(0, 500) || 'it said nothing'}`,
  );
}

function isBusy(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(false)));
  });
}

function noProgram(program?: string, cause?: Error): PlatformError {
  const what = program ? `${program} cannot be run` : 'no registry program was found on this machine';
  return new PlatformError(
    'registry_unavailable',
    `Eve's registry cannot start: ${what}. Install the package docker-registry, or set \`registry\` in the manifest to one of your own.`,
    { cause },
  );
}
