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
import { unmountBelow } from '../tests/cluster/mounts.ts';
import { givenCluster, openTestCluster, type TestCluster } from './test-cluster.ts';
import type { Suite } from './test-suites.ts';
import { ensureBuildkit } from './tools/buildkit.ts';
import { ensureHelm } from './tools/helm.ts';
import { ensureS3 } from './tools/s3.ts';

/** What the tests of one run have to themselves on this machine. Disposing stops and removes all of it. */
export interface TestMachine extends AsyncDisposable {
  readonly scratch: string;
  /** The environment of the tests: this process's own, their directory for temporary files, and their engine. */
  readonly variables: NodeJS.ProcessEnv;
  /**
   * Installs the programs that are missing and starts what a suite needs: the engine with its base images, and with it the
   * real BuildKit or a cluster; or an S3 server alone. They are built from their sources where the cache does not hold them.
   */
  prepare(needs: Suite['needs'], signal: AbortSignal): Promise<void>;
}

const endingMs = 15_000;

/** Settings of an Eve that a developer may have must not reach the tests. */
const foreign = /^(EVE_(?!INSTALL$|CACHE_DIR$)|DATABASE_URL$|KUBECONFIG$|DOCKER_|NODE_TEST_|NODE_OPTIONS$|npm_)/;

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
  let cluster: TestCluster | null = null;

  async function prepareDocker(signal: AbortSignal): Promise<void> {
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

  const prepareEngine = (signal: AbortSignal) => (prepared ??= prepareDocker(signal));
  async function prepareBuildkit(signal: AbortSignal): Promise<void> {
    await prepareEngine(signal);
    const buildkit = await ensureBuildkit({ cacheDir, say, signal });
    variables.EVE_TEST_BUILDKITD = join(buildkit, 'buildkitd');
    variables.EVE_TEST_BUILDCTL = join(buildkit, 'buildctl');
    variables.EVE_TEST_RUNC = '/usr/sbin/runc'; // where Debian's docker.io brings it
  }
  async function prepareS3(signal: AbortSignal): Promise<void> {
    variables.EVE_TEST_S3 = join(await ensureS3({ cacheDir, say, signal }), 'versitygw');
  }
  async function prepareCluster(signal: AbortSignal): Promise<void> {
    await prepareBuildkit(signal);
    variables.EVE_TEST_HELM = join(await ensureHelm({ cacheDir, say, signal }), 'helm');
    await prepareS3(signal);
    const { EVE_TEST_BUILDX: buildx = '', EVE_TEST_DOCKER_HOST: dockerHost = '' } = variables;
    const given = givenCluster();
    if (given) say(`the tests use the cluster of ${given.KUBECONFIG}`);
    else cluster ??= await openTestCluster({ cacheDir, scratch, engine: { buildx, dockerHost }, say, signal });
    Object.assign(variables, given ?? cluster?.variables);
  }

  return {
    scratch,
    variables,
    async prepare(needs, signal) {
      if (needs === 's3') await prepareS3(signal);
      if (needs === 'engine') await prepareEngine(signal);
      if (needs === 'buildkit') await prepareBuildkit(signal);
      if (needs === 'cluster') await prepareCluster(signal);
    },
    async [Symbol.asyncDispose]() {
      await prepared?.catch(() => {});
      // The last is done first, and what fails keeps nothing else from being done.
      await using ending = new AsyncDisposableStack();
      ending.defer(() => rm(scratch, { recursive: true, force: true, maxRetries: 3 }));
      ending.defer(() => unmountBelow(scratch));
      ending.defer(() => endProcessesBelow(temporary));
      ending.defer(async () => {
        await stopEngine(dataDir, { removeData: true });
      });
      if (cluster) ending.use(cluster);
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
