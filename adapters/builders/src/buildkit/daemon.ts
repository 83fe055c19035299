import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runningFrom, startDetached, stopDetached, tryProgram } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import { removeGroups } from '../client/control-group.ts';
import type { DaemonTarget } from '../client/daemon-target.ts';
import { chooseBridge, removeBridge } from './bridge.ts';
import { daemonConfig } from './daemon-config.ts';

export interface DaemonPrograms {
  readonly buildkitd: string;
  readonly buildctl: string;
  readonly runcInGroup: string;
  /** Holds also the programs of the network of steps. */
  readonly directory: string;
}

export interface DaemonOptions {
  /** What the daemon keeps, its pid file and its log: one directory per daemon. */
  readonly directory: string;
  readonly programs: DaemonPrograms;
  /** The real runc. */
  readonly runc: string;
  readonly cacheBytes: number;
  readonly mirror: string | null;
  readonly insecureHosts: readonly string[];
  /** Addresses that bridges are cut from, a /16 such as `10.214.0.0/16`; null runs steps in the machine's own network. */
  readonly networkPool: string | null;
  readonly parallelSteps?: number;
  /** The environment of the daemon, such as a proxy's. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Starts the daemon of a directory, or takes over the one that runs there; it outlives this process. */
export async function startBuildkitd(options: DaemonOptions, signal?: AbortSignal): Promise<DaemonTarget> {
  if (process.getuid?.() !== 0)
    throw new PlatformError(
      'engine_unavailable',
      'Only root can start a BuildKit daemon. Name one with EVE_BUILDKIT_ADDR.',
    );
  const place = daemonPlace(options.directory);
  await mkdir(options.directory, { recursive: true, mode: 0o711 });
  await chmod(options.directory, 0o711);
  const target = { address: `unix://${place.socket}`, groups: place.groups };
  const bridge = options.networkPool === null ? null : await chooseBridge(place.id, options.networkPool);
  const config = daemonConfig({
    root: place.root,
    socket: place.socket,
    runc: options.programs.runcInGroup,
    parallelSteps: options.parallelSteps ?? 4,
    cacheBytes: options.cacheBytes,
    mirror: options.mirror,
    insecureHosts: options.insecureHosts,
    groups: place.groups,
    bridge,
    programs: options.programs.directory,
  });
  const before = await readFile(place.configFile, 'utf8').catch(() => null);
  if (await runningFrom(place.pidFile)) {
    if (before === config && (await answers(options.programs, target, 50, signal))) return target;
    await stopDetached(place.pidFile, 5_000);
  }
  await writeFile(place.configFile, config, { mode: 0o600 });
  await rm(place.socket, { force: true });
  await startDetached(options.programs.buildkitd, ['--config', place.configFile], {
    pidFile: place.pidFile,
    logFile: place.logFile,
    variables: {
      // The daemon looks for the programs of its bridge, and runs in one directory with them.
      PATH: `${options.programs.directory}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      ...options.variables,
      EVE_RUNC: options.runc,
      EVE_BUILD_GROUPS: place.groups,
      BUILDKIT_STEP_LOG_MAX_SIZE: '-1',
      BUILDKIT_STEP_LOG_MAX_SPEED: '-1',
    },
  });
  if (await answers(options.programs, target, 200, signal)) return target;
  const said = (await readFile(place.logFile, 'utf8').catch(() => '')).trim().split('\n').at(-1) ?? '';
  await stopDetached(place.pidFile, 2_000);
  signal?.throwIfAborted();
  throw new PlatformError('engine_unavailable', `The BuildKit daemon did not start: ${said.slice(0, 300)}`);
}

/** Stops the daemon of a directory; what it keeps stays unless `removeData`. */
export async function stopBuildkitd(directory: string, options: { removeData?: boolean } = {}): Promise<void> {
  const place = daemonPlace(directory);
  await stopDetached(place.pidFile, 5_000);
  await removeGroups(place.groups);
  await unmountBelow(directory);
  await rm(place.socket, { force: true });
  const config = await readFile(place.configFile, 'utf8').catch(() => '');
  await removeBridge(place.id, /^bridgeSubnet = "([^"]+)"$/m.exec(config)?.[1] ?? null);
  if (options.removeData) await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Waits until the daemon answers; false when it does not, or has ended. */
async function answers(
  { buildctl }: DaemonPrograms,
  { address }: DaemonTarget,
  tries: number,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let left = tries; left > 0 && !signal?.aborted; left -= 1) {
    const asked = await tryProgram({ file: buildctl, args: [`--addr=${address}`, '--timeout=2', 'debug', 'info'] });
    if (asked.code === 0) return true;
    await sleep(50);
  }
  return false;
}

/** Where everything of a daemon lies, by its directory alone. */
function daemonPlace(directory: string) {
  const id = createHash('sha256').update(directory).digest('hex').slice(0, 8);
  const near = join(directory, 'buildkitd.sock');
  return {
    id,
    root: join(directory, 'root'),
    // A unix socket's path may have 107 bytes.
    socket: Buffer.byteLength(near) <= 100 ? near : `/run/eve-buildkitd-${id}.sock`,
    pidFile: join(directory, 'buildkitd.pid'),
    logFile: join(directory, 'buildkitd.log'),
    configFile: join(directory, 'buildkitd.toml'),
    groups: `/eve-builds-${id}`,
  };
}

/** A daemon that was killed leaves its steps' file systems mounted. */
async function unmountBelow(directory: string): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const places = table
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replaceAll('\\040', ' '))
    .filter((place) => place.startsWith(`${directory}/`));
  for (const place of places.reverse()) await tryProgram({ file: 'umount', args: ['--lazy', '--', place] });
}
