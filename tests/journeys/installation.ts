import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allProcesses, hasEnded, processOf, type RunningProcess, send } from '@eve/adapter-process';
import { stopEverything } from '@eve/local';
import { type EveClient, eveClient } from '@eve/protocol-rest/client';
import { readConfig } from '@eve/server';
import { z } from 'zod';
import { root } from '../../scripts/source-files.ts';

const Credentials = z.object({ url: z.string(), token: z.string() });
const longestMs = 15 * 60_000;

/** An installation of Eve in a directory of its own. Disposing stops and removes all of it. */
export interface Installation extends AsyncDisposable {
  readonly dataDir: string;
  /** The environment that `npm start`, `npm stop` and `eve` have. */
  readonly variables: NodeJS.ProcessEnv;
  /** Starts Eve as `npm start` does, and waits until it prints the text. */
  start(until: string, ...args: string[]): Promise<StartedEve>;
  /** Runs `npm stop`. */
  stop(...args: string[]): Promise<Ended>;
  /** A client with the installation's own token, and another fetch where one is given. */
  client(fetch?: typeof globalThis.fetch): Promise<EveClient>;
  /** Processes that work for this installation. */
  processes(): Promise<RunningProcess[]>;
}

/** Eve as it runs in a terminal. */
export interface StartedEve {
  readonly readyMs: number;
  /** Everything it has printed so far. */
  printed(): string;
  /** Ctrl-C: what the terminal sends to all of its foreground. Answers with the exit code. */
  interrupt(): Promise<number | null>;
  /** kill -9 of Eve's own process. */
  kill(): Promise<void>;
  /** Resolves when it has ended by itself. */
  gone(): Promise<void>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Makes an installation; settings that are given win. */
export async function installation(settings: NodeJS.ProcessEnv = {}): Promise<Installation> {
  const dataDir = await realpath(await mkdtemp(join(tmpdir(), 'eve-journey-')));
  const variables: NodeJS.ProcessEnv = { ...process.env, EVE_DATA_DIR: dataDir, EVE_DRAIN_SECONDS: '2', ...settings };
  const children = new Set<ChildProcess>();
  return {
    dataDir,
    variables,
    start: (until, ...args) => startEve({ dataDir, variables, children }, until, args),
    stop: (...args) => run('npm', ['stop', '--silent', '--', ...args], { variables }),
    client: async (fetch = globalThis.fetch) => {
      const credentials = Credentials.parse(JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')));
      return eveClient({ ...credentials, fetch });
    },
    processes: async () =>
      (await allProcesses()).filter(({ command }) => command.some((word) => word.includes(dataDir))),
    async [Symbol.asyncDispose]() {
      for (const child of children) sendToGroup(child, 'SIGKILL');
      await stopEverything({ config: readConfig(variables), say: () => {}, volumes: true, removeData: true });
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Runs a program to its end. */
export async function run(
  file: string,
  args: readonly string[],
  { variables, cwd = root }: { variables: NodeJS.ProcessEnv; cwd?: string },
): Promise<Ended> {
  const child = spawn(file, args, { cwd, env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...printed };
}

interface Place {
  readonly dataDir: string;
  readonly variables: NodeJS.ProcessEnv;
  readonly children: Set<ChildProcess>;
}

async function startEve({ dataDir, variables, children }: Place, until: string, args: string[]): Promise<StartedEve> {
  const began = performance.now();
  // What `npm start` runs; npm and its shell would die of Ctrl-C themselves and hide how Eve ended.
  const child = spawn(process.execPath, ['apps/local/bin/start.js', '--yes', ...args], {
    cwd: root,
    env: variables,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  void exited.then(() => children.delete(child));
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  while (!printed.includes(until)) {
    if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}:\n${withoutToken(printed)}`);
    if (performance.now() - began > longestMs) throw new Error(`npm start hangs:\n${withoutToken(printed)}`);
    await sleep(10);
  }
  return {
    readyMs: Math.round(performance.now() - began),
    printed: () => printed,
    async interrupt() {
      sendToGroup(child, 'SIGINT');
      return exited;
    },
    async gone() {
      await exited;
    },
    async kill() {
      const [pid = ''] = (await readFile(join(dataDir, 'lock'), 'utf8')).split(' ');
      const eve = await processOf(Number(pid));
      if (!eve) throw new Error(`Nothing runs as process ${pid}, which the lock names.`);
      send('SIGKILL', eve.pid);
      await hasEnded(eve, 10_000);
      await exited;
    },
  };
}

function sendToGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) send(signal, -pid);
}

function withoutToken(text: string): string {
  return text.replace(/eve_[A-Za-z0-9_-]{20,}/g, 'eve_…').trim();
}
