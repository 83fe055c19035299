import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidFrom, processOf, send, spawnDetached } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import { type Processes, processesOf } from './master.ts';

/** Where an installation's proxy keeps its things. */
export interface RouterPlace {
  readonly directory: string;
  readonly config: string;
  readonly pidFile: string;
  readonly logFile: string;
  /** Holds the sockets; elsewhere when the data directory's path is too long for a socket's. */
  readonly socketDirectory: string;
  readonly masterSocket: string;
  readonly onwardSocket: string;
}

/** The place of a data directory's proxy. */
export function routerPlace(dataDir: string): RouterPlace {
  const directory = join(dataDir, 'router');
  const usable = directory.length <= 75 && /^[A-Za-z0-9._/-]+$/.test(directory);
  const short = `/tmp/eve-router-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`;
  const socketDirectory = usable ? directory : short;
  return {
    directory,
    config: join(directory, 'haproxy.cfg'),
    pidFile: join(directory, 'haproxy.pid'),
    logFile: join(directory, 'haproxy.log'),
    socketDirectory,
    masterSocket: join(socketDirectory, 'master.sock'),
    onwardSocket: join(socketDirectory, 'onward.sock'),
  };
}

/** Makes the directories, which only this user may enter. */
export async function preparePlace({ directory, socketDirectory }: RouterPlace): Promise<void> {
  for (const path of new Set([directory, socketDirectory])) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const { uid } = await lstat(path);
    if (uid !== process.getuid?.()) {
      throw new PlatformError('engine_unavailable', `The router's directory ${path} belongs to another user.`);
    }
    await chmod(path, 0o700);
  }
}

/** Starts the proxy in a session of its own, so that it outlives this process, and waits until it serves; none may run. */
export async function startProxy(program: string, place: RouterPlace, signal?: AbortSignal): Promise<Processes> {
  await rm(place.masterSocket, { force: true });
  await rm(place.onwardSocket, { force: true });
  const args = ['-W', '-f', place.config, '-p', place.pidFile, '-S', `${place.masterSocket},mode,600,level,admin`];
  await spawnDetached(program, args, { logFile: place.logFile }).catch((cause: unknown) => {
    throw new PlatformError('engine_unavailable', `The router ${program} cannot be started.`, { cause });
  });

  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 25) {
    const running = await processesOf(place.masterSocket);
    if (running?.workers.some(({ old }) => !old)) return running;
    const printed = await readFile(place.logFile, 'utf8').catch(() => '');
    if (printed.includes('[ALERT]')) throw await startFailure(place, printed);
    await sleep(25, undefined, { signal });
  }
  throw await startFailure(place, await readFile(place.logFile, 'utf8').catch(() => ''));
}

/** Ends an installation's proxy and every connection through it; does nothing when none runs. */
export async function stopRouter(dataDir: string): Promise<void> {
  const place = routerPlace(dataDir);
  await stopLeftover(place);
  await rm(place.masterSocket, { force: true });
  await rm(place.onwardSocket, { force: true });
  await rm(place.pidFile, { force: true });
}

/** Throws an error naming the port when another program listens on one of the addresses. */
export async function refuseBusyPorts(addresses: readonly string[], patienceMs: number): Promise<void> {
  for (const address of addresses) if (await isBusyFor(address, patienceMs)) throw busyPort(address);
}

/** Whether another program listens on an address, and goes on to. */
export async function isBusyFor(address: string, patienceMs: number): Promise<boolean> {
  const until = Date.now() + patienceMs;
  while (await isBusy(address)) {
    if (Date.now() >= until) return true;
    await sleep(50);
  }
  return false;
}

/** What the proxy's messages say about why it did not start or reload. */
export function proxyFailure(printed: string): PlatformError {
  const taken = /cannot bind socket \(Address already in use\) for \[([^\]]+)\]/.exec(printed)?.[1];
  if (taken) return busyPort(taken);
  const alerts = printed.split('\n').filter((line) => line.startsWith('[ALERT]'));
  const reason = alerts.slice(0, 3).join(' ').replace(/\s+/g, ' ').slice(0, 600);
  return new PlatformError(
    'engine_unavailable',
    `The router did not take its configuration: ${reason || 'no reason given'}`,
  );
}

function busyPort(address: string): PlatformError {
  const port = address.slice(address.lastIndexOf(':') + 1);
  return new PlatformError(
    'engine_unavailable',
    `The router cannot listen on port ${port}: another program uses ${address}.`,
  );
}

/** Whether something listens on an address. */
export function isBusy(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    probe.listen({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), exclusive: true }, () =>
      probe.close(() => resolve(false)),
    );
  });
}

async function startFailure(place: RouterPlace, printed: string): Promise<PlatformError> {
  await stopLeftover(place);
  return proxyFailure(printed);
}

/** Ends a master that runs on this configuration, and the workers that a killed one left. */
export async function stopLeftover(place: RouterPlace): Promise<void> {
  const known = await processesOf(place.masterSocket, 2_000).catch(() => null);
  const written = (await pidFrom(place.pidFile)) ?? 0;
  const pids = [...new Set([written, known?.master ?? 0, ...(known?.workers ?? []).map(({ pid }) => pid)])];
  const ours: number[] = [];
  for (const pid of pids) if (pid > 1 && (await runsOn(pid, place.config))) ours.push(pid);
  for (const kind of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of ours) if (await runsOn(pid, place.config)) send(kind, pid);
    for (let waitedMs = 0; waitedMs < 3_000; waitedMs += 25) {
      if (!(await anyRuns(ours, place.config))) return;
      await sleep(25);
    }
  }
}

async function anyRuns(pids: readonly number[], config: string): Promise<boolean> {
  for (const pid of pids) if (await runsOn(pid, config)) return true;
  return false;
}

/** Whether a process is a proxy of this configuration: pids are used again, a command line tells. */
async function runsOn(pid: number, config: string): Promise<boolean> {
  return (await processOf(pid))?.command.includes(config) ?? false;
}
