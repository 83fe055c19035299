import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  baseImages,
  engineBlock,
  ensureBaseImages,
  findPrograms,
  installPrograms,
  missingPrograms,
  startEngine,
  stopEngine,
} from '@eve/local';
import { readConfig } from '@eve/server';
import { ensureBuildkit } from './tools/buildkit.ts';

/** What the tests of one run have to themselves on this machine. Disposing stops and removes all of it. */
export interface TestMachine extends AsyncDisposable {
  readonly scratch: string;
  /** The environment of the tests: this process's own, their directory for temporary files, and their engine. */
  readonly variables: NodeJS.ProcessEnv;
  /** Installs the programs that are missing and starts the engine with its base images; only the first call does anything. */
  prepareEngine(signal: AbortSignal): Promise<void>;
  /** The same with the real BuildKit, which is built from its sources where the cache does not hold it. */
  prepareBuildkit(signal: AbortSignal): Promise<void>;
}

const endingMs = 15_000;

/** Settings of an Eve that a developer may have must not reach the tests. */
const foreign = /^(EVE_(?!INSTALL$|CACHE_DIR$)|DATABASE_URL$|DOCKER_|NODE_TEST_|NODE_OPTIONS$|npm_)/;

/** Makes the directory that holds everything of this run. */
export async function openTestMachine(say: (line: string) => void): Promise<TestMachine> {
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'eve-test-')));
  const temporary = join(scratch, 'tmp');
  const dataDir = join(scratch, 'machine');
  await mkdir(temporary);
  // Programs that give up root's rights look into it.
  await chmod(scratch, 0o755);
  await chmod(temporary, 0o1777);
  const { cacheDir } = readConfig(process.env);
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  const variables: NodeJS.ProcessEnv = { ...Object.fromEntries(own), TMPDIR: temporary, EVE_CACHE_DIR: cacheDir };
  let prepared: Promise<void> | null = null;

  async function prepare(signal: AbortSignal): Promise<void> {
    const missing = await missingPrograms({ engine: true, baseImages: false, cacheDir });
    if (missing.length > 0) await installPrograms(missing, { cacheDir, log: say, signal });
    const programs = await findPrograms({ cacheDir });
    const engine = await startEngine({ dataDir, programs, log: say, signal });
    const extraCaFiles = [process.env.NODE_EXTRA_CA_CERTS, process.env.SSL_CERT_FILE].filter(
      (file) => file !== undefined,
    );
    await ensureBaseImages({ engine: engine.host, images: baseImages, cacheDir, extraCaFiles, log: say, signal });
    variables.EVE_TEST_DOCKER_HOST = engine.host;
    variables.EVE_TEST_NETWORK_POOL = (await engineBlock(dataDir)) ?? undefined;
    variables.EVE_TEST_BUILDX = programs.buildx;
  }

  const prepareEngine = (signal: AbortSignal) => (prepared ??= prepare(signal));
  async function prepareBuildkit(signal: AbortSignal): Promise<void> {
    await prepareEngine(signal);
    const buildkit = await ensureBuildkit({ cacheDir, say, signal });
    variables.EVE_TEST_BUILDKITD = join(buildkit, 'buildkitd');
    variables.EVE_TEST_BUILDCTL = join(buildkit, 'buildctl');
    variables.EVE_TEST_RUNC = '/usr/sbin/runc'; // where Debian's docker.io brings it
  }

  return {
    scratch,
    variables,
    prepareEngine,
    prepareBuildkit,
    async [Symbol.asyncDispose]() {
      await prepared?.catch(() => {});
      await stopEngine(dataDir, { removeData: true });
      await endProcessesBelow(temporary);
      await rm(scratch, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** What tests share ends by itself once the last of them is gone; whatever stays longer, or was left behind, is ended. */
async function endProcessesBelow(directory: string): Promise<void> {
  const until = Date.now() + endingMs;
  for (let left = await processesBelow(directory); left.length > 0; left = await processesBelow(directory)) {
    if (Date.now() > until) for (const pid of left) end(pid);
    if (Date.now() > until + 5_000) return;
    await sleep(200);
  }
}

/** Processes that have a path below the directory among their words; nobody else knows its name. */
async function processesBelow(directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const words = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (words.includes(`${directory}/`)) found.push(Number(name));
  }
  return found;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
