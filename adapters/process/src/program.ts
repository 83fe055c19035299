import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program to run: never a shell line, and with an environment that is said in full. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. Without PATH the usual system directories are searched. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Whether it is killed when this process dies, however that happens. True unless said. */
  readonly dieWithParent?: boolean;
  /** How long its group may take to end after TERM before it gets KILL. */
  readonly graceMs?: number;
  /** Ends the whole group when it aborts. */
  readonly signal?: AbortSignal;
}

/** How a program ended. */
export interface ProgramEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A started program; who started it reads its streams. */
export interface RunningProgram {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when it has ended and its streams are read to their end. */
  readonly ended: Promise<ProgramEnd>;
  /** Sends TERM, then KILL, to its whole group; resolves when nothing of the group is left. */
  stop(): Promise<void>;
}

/** The program could not be started at all. */
export class ProgramMissing extends Error {
  override readonly name = 'ProgramMissing';
}

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The arguments that make the kernel kill the program when its parent dies; the program replaces setpriv. */
export function withParentDeath(
  file: string,
  args: readonly string[],
  platform: NodeJS.Platform,
): [string, readonly string[]] {
  return platform === 'linux' ? ['setpriv', ['--pdeathsig', 'KILL', '--', file, ...args]] : [file, args];
}

/**
 * Starts a program in a session and process group of its own.
 * The parent whose death counts is the thread that calls this, so a worker thread must outlive what it starts.
 */
export async function startProgram(program: Program): Promise<RunningProgram> {
  program.signal?.throwIfAborted();
  const [file, args] =
    (program.dieWithParent ?? true)
      ? withParentDeath(program.file, program.args, process.platform)
      : [program.file, program.args];
  const child = spawn(file, args, {
    cwd: program.cwd,
    env: { PATH: systemPath, ...program.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new ProgramMissing(`${program.file} could not be started`, { cause: error });
  }
  return running(child, program);
}

function running(child: ChildProcess, program: Program): RunningProgram {
  const pid = child.pid as number; // set once 'spawn' was emitted
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error('a program was started without pipes');
  stdin.on('error', () => {}); // it may end before it has read everything

  let stopping: Promise<void> | undefined;
  let closed = false;
  const stop = () => {
    // Once it has ended its number may be another's.
    stopping ??= closed ? Promise.resolve() : endGroup(pid, program.graceMs ?? 5_000);
    return stopping;
  };
  const onAbort = () => void stop();
  program.signal?.addEventListener('abort', onAbort, { once: true });
  if (program.signal?.aborted) onAbort();

  // What it left behind in its group would hold the pipes open.
  child.once('exit', () => sendSignal(pid, 'SIGKILL'));
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.once('close', (code, signal) => {
      closed = true;
      program.signal?.removeEventListener('abort', onAbort);
      resolve({ code, signal });
    });
  });
  return { pid, stdin, stdout, stderr, ended, stop };
}

async function endGroup(pid: number, graceMs: number): Promise<void> {
  if (!sendSignal(pid, 'SIGTERM')) return;
  if (await groupEnds(pid, graceMs)) return;
  sendSignal(pid, 'SIGKILL');
  await groupEnds(pid, 10_000);
}

async function groupEnds(pid: number, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  for (let wait = 5; performance.now() < until; wait = Math.min(wait * 2, 100)) {
    if (!(await groupRuns(pid))) return true;
    await sleep(wait);
  }
  return !(await groupRuns(pid));
}

/** A dead process that nobody has reaped still takes signals, so the process table decides where there is one. */
async function groupRuns(group: number): Promise<boolean> {
  if (!sendSignal(group, 0)) return false;
  const names = await readdir('/proc').catch(() => null);
  if (!names) return true;
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(processGroup) === group && state !== 'Z' && state !== 'X') return true;
  }
  return false;
}

function sendSignal(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
