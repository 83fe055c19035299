import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@eve/operations';
import { endingWithParent, type Runner } from './embedded-user.ts';

/** A server that has come up, or why it did not. */
export type Launched = { readonly state: 'ready' } & RunningServer;
export type LaunchResult =
  | Launched
  /** `in_use`: another server, perhaps one that is just ending, holds the data directory. */
  | { readonly state: 'in_use' | 'port_taken' | 'failed'; readonly reason: string };

interface RunningServer {
  readonly pid: number;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

export interface LaunchPlan {
  readonly clusterDir: string;
  readonly program: string;
  readonly runner: Runner;
  readonly parameters: Readonly<Record<string, string>>;
  readonly log: Log;
}

/** Starts the postmaster and waits until it takes connections or gives up. */
export async function launch({ clusterDir, program, runner, parameters, log }: LaunchPlan): Promise<LaunchResult> {
  const [command = '', ...args] = [
    ...runner.prefix,
    ...endingWithParent([program, '-D', clusterDir]),
    ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  // In a process group of its own: Ctrl-C in a terminal must not end it before its users have.
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true, cwd: clusterDir });
  const said: string[] = [];
  const ready = new Promise<boolean>((done) => {
    child.once('error', (error) => {
      said.push(error.message);
      done(false);
    });
    child.once('exit', () => done(false));
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (said.length > 50) said.shift();
      if (line.includes('database system is ready to accept connections')) done(true);
      else if (/^(WARNING|ERROR|FATAL|PANIC):/.test(line)) log.warn({ line }, 'embedded PostgreSQL said');
    });
  });
  if (await ready) return { state: 'ready', ...running(child) };
  await delay(5); // its last lines
  return refusal(clusterDir, said.join('\n'));
}

function running(child: ChildProcess): RunningServer {
  const exited = new Promise<void>((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done();
    else child.once('exit', () => done());
  });
  return {
    pid: child.pid ?? 0,
    exited,
    async stop() {
      child.kill('SIGINT');
      const late = setTimeout(() => child.kill('SIGQUIT'), 10_000);
      await exited;
      clearTimeout(late);
    },
  };
}

async function refusal(clusterDir: string, reason: string): Promise<LaunchResult> {
  if (/lock file ".*postmaster\.pid" already exists|pre-existing shared memory block/.test(reason)) {
    if (!(await isUsed(clusterDir))) await rm(join(clusterDir, 'postmaster.pid'), { force: true });
    return { state: 'in_use', reason };
  }
  if (/could not create any TCP\/IP sockets|could not bind/.test(reason)) return { state: 'port_taken', reason };
  return { state: 'failed', reason };
}

/** Whether a process works in this directory, as every process of a PostgreSQL server does: a number in `postmaster.pid` may have been given to another program, or its process may wait to be reaped. */
async function isUsed(clusterDir: string): Promise<boolean> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => null);
    if (folder !== clusterDir || Number(pid) === process.pid) continue;
    const program = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (program.trim() === 'postgres') return true;
  }
  return false;
}
