import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../bin/eve.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly url?: string;
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sends Ctrl-C once stderr or stdout holds this. */
  readonly interruptAt?: string;
}

/** A directory that is gone when the test is over. */
export async function scratch() {
  const path = await mkdtemp(join(tmpdir(), 'eve-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Runs the real command line with nothing of the machine's own settings. */
export async function runEve(args: readonly string[], surroundings: Surroundings = {}): Promise<Ran> {
  const { url, cwd = tmpdir(), input = '', env = {}, interruptAt } = surroundings;
  const nowhere = join(tmpdir(), 'eve-cli-nowhere');
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: nowhere,
      TZ: 'UTC',
      GIT_CEILING_DIRECTORIES: tmpdir(),
      ...(url && { EVE_API_URL: url, EVE_TOKEN: 'eve_test' }),
      ...env,
    },
  });
  const said = { stdout: '', stderr: '' };
  let interrupted = false;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      if (interruptAt === undefined || interrupted || !said[name].includes(interruptAt)) return;
      interrupted = true;
      child.kill('SIGINT');
    });
  }
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}
