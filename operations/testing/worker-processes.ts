import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Pool } from '@eve/adapter-postgres';
import type { WorkerProcessOptions } from './worker-process.ts';

/** A worker in a process of its own, and what it has printed: `act`, `settled` and `refused`, each with subject and fence. */
export interface WorkerProcess extends AsyncDisposable {
  readonly worker: string;
  readonly lines: readonly { readonly text: string; readonly atMs: number }[];
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
}

/** Makes the tables that worker processes write to. */
export async function prepareForProcesses(pool: Pool): Promise<void> {
  await pool.query(`
    create table begun (subject text not null, worker text not null, fence bigint not null,
      at timestamptz not null default clock_timestamp());
    create table done (subject text primary key, worker text not null, fence bigint not null)`);
}

/** Starts a worker process and waits until it runs. Disposing kills it. */
export async function workerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'worker-process.ts'), JSON.stringify(options)],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } },
  );
  const exited = once(child, 'exit');
  const lines: { text: string; atMs: number }[] = [];
  const { promise: isReady, resolve } = Promise.withResolvers<void>();
  if (!child.stdout) throw new Error('The process has no output.');
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (text === 'ready') resolve();
    else lines.push({ text, atMs: performance.now() });
  });
  await Promise.race([
    isReady,
    exited.then(() => {
      throw new Error('The worker process ended while it started.');
    }),
  ]);
  return {
    worker: options.worker,
    lines,
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
