import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type EveClient, eveClient } from '@eve/protocol-rest/client';
import { z } from 'zod';

const main = fileURLToPath(new URL('../apps/local/bin/start.js', import.meta.url));
const stop = fileURLToPath(new URL('../apps/local/src/stop.ts', import.meta.url));
const longestStartMs = 120_000;

const Credentials = z.object({ url: z.string(), token: z.string() });
export type Credentials = z.infer<typeof Credentials>;

/** Eve in a process of its own, as `npm start` runs it. */
export interface EveProcess {
  readonly pid: number;
  readonly credentials: Credentials;
  readonly api: EveClient;
  /** From the spawn to the first answer of the API. */
  readonly readyMs: number;
  /** Ends Eve as Ctrl-C does; what is deployed stays. */
  stop(): Promise<void>;
}

/** Starts Eve on a data directory and waits until its API answers. */
export async function startEve(variables: NodeJS.ProcessEnv): Promise<EveProcess> {
  const began = performance.now();
  const child = spawn(process.execPath, ['--max-semi-space-size=2', main, '--yes', '--no-example'], {
    env: variables,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const credentials = await untilReady(child, variables.EVE_DATA_DIR ?? '', began);
  return {
    pid: child.pid ?? 0,
    credentials,
    api: eveClient(credentials),
    readyMs: performance.now() - began,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Stops everything of the installation, and removes its volumes. */
export async function stopInstallation(variables: NodeJS.ProcessEnv): Promise<void> {
  await new Promise((resolve) =>
    spawn(process.execPath, [stop, '--volumes'], { env: variables, stdio: 'ignore' }).once('exit', resolve),
  );
}

async function untilReady(child: ChildProcess, dataDir: string, began: number): Promise<Credentials> {
  let printed = '';
  child.stderr?.on('data', (part: Buffer) => {
    printed = (printed + part.toString()).slice(-4_000);
  });
  while (performance.now() - began < longestStartMs) {
    if (child.exitCode !== null) throw new Error(`Eve ended while it started: ${withoutToken(printed)}`);
    const credentials = await readCredentials(dataDir);
    if (credentials && (await answers(credentials))) return credentials;
    await sleep(10);
  }
  child.kill('SIGTERM');
  throw new Error(`Eve was not ready within ${longestStartMs / 1000} s: ${withoutToken(printed)}`);
}

async function readCredentials(dataDir: string): Promise<Credentials | null> {
  const text = await readFile(join(dataDir, 'credentials.json'), 'utf8').catch(() => null);
  return text === null ? null : Credentials.parse(JSON.parse(text));
}

async function answers({ url, token }: Credentials): Promise<boolean> {
  const asked = fetch(`${url}/auth/me`, { headers: { authorization: `Bearer ${token}` } });
  return asked.then(
    (answer) => answer.ok,
    () => false,
  );
}

function withoutToken(text: string): string {
  return text.replace(/eve_[A-Za-z0-9_-]{20,}/g, 'eve_…').trim();
}
