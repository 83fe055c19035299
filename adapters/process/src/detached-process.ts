import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { systemPath } from './program.ts';
import { hasEnded, isRunning, type ProcessIdentity, processOf, send } from './running-process.ts';

export interface DetachedOptions {
  /** Gets what it prints; what an earlier one printed is thrown away. */
  readonly logFile: string;
  /** The whole environment but for PATH. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Starts a program in a session of its own, with nothing of our environment, so that it outlives this process. */
export async function spawnDetached(
  program: string,
  args: readonly string[],
  { logFile, variables = {} }: DetachedOptions,
): Promise<ProcessIdentity> {
  const log = await open(logFile, 'w', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      env: { PATH: systemPath, ...variables },
      stdio: ['ignore', log.fd, log.fd],
    });
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid ?? 0;
    return { pid, startTime: (await processOf(pid))?.startTime ?? '' };
  } finally {
    await log.close();
  }
}

/** Starts a program that outlives this process, and writes the pid file by which it is found again. */
export async function startDetached(
  program: string,
  args: readonly string[],
  { pidFile, ...options }: DetachedOptions & { readonly pidFile: string },
): Promise<ProcessIdentity> {
  const started = await spawnDetached(program, args, options);
  await writeFile(`${pidFile}.next`, JSON.stringify(started), { mode: 0o600 });
  await rename(`${pidFile}.next`, pidFile);
  return started;
}

/** The process of a pid file while it runs; null for one that ended, even when its pid is used again. */
export async function runningFrom(pidFile: string): Promise<ProcessIdentity | null> {
  const written = await readFile(pidFile, 'utf8').catch(() => '');
  const match = /^\{"pid":(\d+),"startTime":"(\d+)"\}$/.exec(written);
  if (!match) return null;
  const noted = { pid: Number(match[1]), startTime: match[2] as string }; // the pattern has it
  return (await isRunning(noted)) ? noted : null;
}

/** Asks a process to end, insists after the time given, and removes its pid file. */
export async function stopDetached(pidFile: string, patienceMs: number): Promise<void> {
  const running = await runningFrom(pidFile);
  for (const kind of ['SIGTERM', 'SIGKILL'] as const) {
    if (!running || !(await isRunning(running)) || !send(kind, running.pid)) break;
    if (await hasEnded(running, patienceMs)) break;
  }
  await rm(pidFile, { force: true });
}
