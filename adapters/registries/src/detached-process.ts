import { spawn } from 'node:child_process';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that outlives this one, found again by its pid file. */
export interface DetachedProcess {
  readonly pid: number;
  /** In clock ticks since the machine started; with the pid it names a process for good. */
  readonly startTime: string;
}

/** Starts a program in a session of its own, with nothing of our environment, and writes its pid file. */
export async function startDetached(
  program: string,
  args: readonly string[],
  { pidFile, logFile, variables = {} }: { pidFile: string; logFile: string; variables?: Record<string, string> },
): Promise<DetachedProcess> {
  const log = await open(logFile, 'w', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...variables },
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const started = { pid: child.pid ?? 0, startTime: (await startTimeOf(child.pid ?? 0)) ?? '' };
    await writeFile(`${pidFile}.next`, JSON.stringify(started), { mode: 0o600 });
    await rename(`${pidFile}.next`, pidFile);
    return started;
  } finally {
    await log.close();
  }
}

/** The process of a pid file while it runs; null for one that ended, even when its pid is used again. */
export async function runningFrom(pidFile: string): Promise<DetachedProcess | null> {
  const written = await readFile(pidFile, 'utf8').catch(() => '');
  const match = /^\{"pid":(\d+),"startTime":"(\d+)"\}$/.exec(written);
  if (!match) return null;
  const noted = { pid: Number(match[1]), startTime: match[2] as string };
  return (await isRunning(noted)) ? noted : null;
}

/** Whether it still is the same process. */
export async function isRunning({ pid, startTime }: DetachedProcess): Promise<boolean> {
  return (await startTimeOf(pid)) === startTime;
}

/** Asks a process to end, insists after the time given, and removes its pid file. */
export async function stopDetached(pidFile: string, patienceMs: number): Promise<void> {
  const running = await runningFrom(pidFile);
  for (const kind of ['SIGTERM', 'SIGKILL'] as const) {
    if (!running || !(await isRunning(running))) break;
    try {
      process.kill(running.pid, kind);
    } catch {
      break;
    }
    for (let waitedMs = 0; waitedMs < patienceMs && (await isRunning(running)); waitedMs += 25) await sleep(25);
  }
  await rm(pidFile, { force: true });
}

async function startTimeOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? null : (rest[18] ?? null);
}
