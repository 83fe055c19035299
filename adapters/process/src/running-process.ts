import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** What names a process for good: a pid alone is given to another one later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since the machine started. */
  readonly startTime: string;
}

/** A process as the kernel tells it. */
export interface RunningProcess extends ProcessIdentity {
  readonly parent: number;
  readonly command: readonly string[];
}

/** What runs under a pid; null when nothing does, or only something that waits to be buried. */
export async function processOf(pid: number): Promise<RunningProcess | null> {
  const [stat, command] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null),
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null),
  ]);
  if (stat === null || command === null) return null;
  // The program's name stands in parentheses and may itself hold some.
  const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A killed process has its ports and files for as long as one of its threads is still ending.
  const lastThread = Number(rest[15]) <= 1;
  if (state === 'X' || (state === 'Z' && lastThread)) return null;
  return { pid, parent: Number(parent), startTime: rest[17] ?? '', command: command.split('\0').filter(Boolean) };
}

/** Every process of the machine. */
export async function allProcesses(): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return (await Promise.all(pids.map(processOf))).filter((it) => it !== null);
}

/** Reads a pid file; null when there is none. */
export async function pidFrom(file: string): Promise<number | null> {
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).trim());
  return Number.isInteger(pid) && pid > 1 ? pid : null;
}

/** Sends a signal; false when the process is already gone. */
export function send(signal: NodeJS.Signals, pid: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Whether it still is the same process, and not another one under its pid. */
export async function isRunning({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await processOf(pid))?.startTime === startTime;
}

/** Waits until a process has gone; false when it is still there after the time. */
export async function hasEnded(it: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    if (!(await isRunning(it))) return true;
    if (Date.now() >= until) return false;
    await sleep(25);
  }
}
