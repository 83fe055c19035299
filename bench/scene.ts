import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBaseImages, findEngine, findPrograms } from '@eve/local';
import type { EveClient } from '@eve/protocol-rest/client';
import type { Config } from '@eve/server';
import { removeImagesOf } from './bare-build.ts';
import { type EveProcess, startEve, stopInstallation } from './eve-process.ts';
import { type BenchRepository, benchRepository, manifest, serviceFiles } from './repository.ts';

/** A project of the tiny service in the installation of this run. */
export interface BenchProject {
  readonly id: string;
  readonly repository: BenchRepository;
  /** Commits a version, and syncs its manifest, which may end in a comment. */
  change(version: string, comment?: string): Promise<{ git_sha: string; manifest_hash: string }>;
}

/** What the benches of one run share: an installation of its own, started when the first asks for it. */
export interface Scene extends AsyncDisposable {
  readonly directory: string;
  readonly dataDir: string;
  readonly say: (line: string) => void;
  eve(): Promise<EveProcess>;
  /** Stops Eve, and starts it on the same data directory. */
  restart(): Promise<EveProcess>;
  /** Stops Eve and leaves the rest of the installation. */
  stop(): Promise<void>;
  project(): Promise<BenchProject>;
  /** The engine and the program that Eve builds with. */
  buildTools(): Promise<{ engine: string; buildx: string }>;
  registryHost(): Promise<string>;
}

/** Makes the scene; disposing stops the installation and removes it. */
export async function openScene(
  config: Config,
  variables: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Scene> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'eve-bench-')));
  const dataDir = join(directory, 'data');
  const childVariables = { ...variables, EVE_DATA_DIR: dataDir };
  let running: EveProcess | null = null;
  let project: BenchProject | null = null;
  let used = false;

  const eve = async () => {
    used = true;
    running ??= await startEve(childVariables);
    return running;
  };
  const stop = async () => {
    await running?.stop();
    running = null;
  };
  const buildTools = async () => {
    await eve();
    const engine = await findEngine({ dataDir, dockerHost: config.DOCKER_HOST ?? null });
    const { buildx } = await findPrograms({ cacheDir: config.cacheDir });
    if (!engine || !buildx) throw new Error('There is no engine to build with.');
    return { engine: engine.host, buildx };
  };
  const registryHost = async () => {
    const text = await readFile(join(dataDir, 'installation.json'), 'utf8');
    return `127.0.0.1:${(JSON.parse(text) as { ports: { registry: number } }).ports.registry}`; // Eve's own file
  };

  return {
    directory,
    dataDir,
    say,
    eve,
    stop,
    buildTools,
    registryHost,
    async restart() {
      await stop();
      return eve();
    },
    async project() {
      if (project) return project;
      const { api } = await eve();
      const { engine } = await buildTools();
      const extraCaFiles = [config.NODE_EXTRA_CA_CERTS, config.SSL_CERT_FILE].filter((file) => file !== undefined);
      const images = ['debian:12-slim', 'node:24-slim'];
      await ensureBaseImages({ engine, images, cacheDir: config.cacheDir, extraCaFiles, log: say });
      project = await makeProject(api, join(directory, 'repository'));
      return project;
    },
    async [Symbol.asyncDispose]() {
      const engine = used ? await buildTools().catch(() => null) : null;
      await stop();
      if (used) await stopInstallation(childVariables);
      if (engine) await removeImagesOf(engine.engine, await registryHost());
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function makeProject(api: EveClient, directory: string): Promise<BenchProject> {
  const repository = await benchRepository(directory);
  await repository.commit(serviceFiles('0'));
  const { id } = await api.ensureProject({ name: 'bench', slug: 'bench', repo_url: directory });
  return {
    id,
    repository,
    async change(version, comment = '') {
      const yaml = `${manifest}${comment}\n`;
      const sha = await repository.commit({ ...serviceFiles(version), '.eve/manifest.yaml': yaml });
      const synced = await api.syncManifest(id, { yaml, git_sha: sha });
      return { git_sha: sha, manifest_hash: synced.manifest_hash };
    },
  };
}
