import assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EveClient } from '@eve/protocol-rest/client';
import type { BuildRun } from '@eve/protocol-rest/contract';
import { commit, git, repositoryWith } from '../../apps/cli/testing/repository.ts';
import { type Installation, installation, type StartedEve } from '../journeys/installation.ts';

/** A build that fails, and what must be said of it. */
export interface FailureCase {
  readonly name: string;
  /** Files of the commit, besides the manifest. */
  readonly files?: Readonly<Record<string, string>>;
  /** Symbolic links of the commit: path to target. */
  readonly links?: Readonly<Record<string, string>>;
  /** Without it: one service `web`, built from the root. */
  readonly manifest?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Makes what the case needs: another address of the repository, a registry, secrets. Whatever it defers is undone. */
  readonly given?: (scene: Scene, defer: Defer) => Promise<Given | undefined>;
  /** Acts while the run goes on. */
  readonly meanwhile?: (scene: Scene, run: BuildRun) => Promise<void>;
  readonly expect: Expected;
}

export type Defer = (undo: () => PromiseLike<unknown>) => void;

export interface Given {
  readonly repoUrl?: string;
  readonly manifest?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly gitSha?: string;
  /** Stands where files and manifest say REGISTRY. */
  readonly host?: string;
}

export interface Expected {
  readonly code: string;
  readonly phase: string;
  readonly message: RegExp;
  readonly step?: RegExp;
  readonly hint?: RegExp;
  /** Whether trying again may help. */
  readonly retry: boolean;
  /** `network`, `temporary_resource`, `registry_rate_limit`: tried again by itself. */
  readonly retryClass?: string;
}

/** One installation in which builds fail. */
export interface Scene extends AsyncDisposable {
  readonly installation: Installation;
  readonly client: EveClient;
  readonly started: StartedEve;
  /** Records the case's commit and starts its build. */
  start(it: FailureCase, defer: Defer): Promise<BuildRun>;
  /** The run when it has ended. */
  ended(run: BuildRun): Promise<BuildRun>;
}

export const plainManifest = 'services:\n  web:\n    build: .\n';

/** A failure that passes by itself would be tried again after minutes; the cases want it at once. */
export const noRetries = { retry_policy: { max_retries: 0 } };

/** Starts Eve with these settings, on the engine of the test run where there is one. */
export async function openScene(
  settings: NodeJS.ProcessEnv = {},
  { fetch, beforeStart }: { fetch?: typeof globalThis.fetch; beforeStart?: (dataDir: string) => Promise<void> } = {},
): Promise<Scene> {
  const { EVE_TEST_DOCKER_HOST } = process.env;
  const engine = EVE_TEST_DOCKER_HOST === undefined ? {} : { DOCKER_HOST: EVE_TEST_DOCKER_HOST };
  const eve = await installation({ ...engine, ...settings });
  let started: StartedEve;
  try {
    await beforeStart?.(eve.dataDir);
    // By then the base images can be had as well.
    started = await eve.start('Ctrl-C stops Eve', '--no-example');
  } catch (error) {
    await eve[Symbol.asyncDispose]();
    throw error;
  }
  const client = await eve.client(fetch);
  let cases = 0;

  const scene: Scene = {
    installation: eve,
    client,
    started,
    async start(it, defer) {
      cases += 1;
      const number = cases;
      const directory = join(eve.dataDir, 'cases', String(number));
      const given = (await it.given?.(scene, defer)) ?? {};
      const placed = (text: string) => text.replaceAll('REGISTRY', given.host ?? 'registry.invalid');
      const manifest = placed(given.manifest ?? it.manifest ?? plainManifest);
      const files = Object.entries(it.files ?? {}).map(([path, text]) => [path, placed(text)]);
      await repositoryWith(directory, { ...Object.fromEntries(files), '.eve/manifest.yaml': manifest });
      for (const [path, target] of Object.entries(it.links ?? {})) await symlink(target, join(directory, path));
      if (it.links) await commit(directory, {}, 'Links');
      const sha = given.gitSha ?? (await git(directory, 'rev-parse', 'HEAD'));
      const project = await client.createProject({
        name: `case-${number}`,
        repo_url: given.repoUrl ?? directory,
        branch: 'main',
      });
      for (const [key, value] of Object.entries(given.secrets ?? {}))
        await client.setSecret({ project: project.id }, { key, value });
      const synced = await client.syncManifest(project.id, { yaml: manifest, git_sha: sha });
      const spec = await client.createBuild(project.id, {
        git_sha: sha,
        manifest_hash: synced.manifest_hash,
        inputs: { ...noRetries, ...it.inputs },
      });
      defer(() => rm(directory, { recursive: true, force: true }));
      return client.startBuildRun(spec.id);
    },
    async ended(run) {
      for (const until = Date.now() + 150_000; ; await sleep(100)) {
        const now = await client.getBuildRun(run.build_id, run.id);
        if (now.completed_at !== null) return now;
        if (Date.now() > until) assert.fail(`The run did not end: ${JSON.stringify(now)}`);
      }
    },
    async [Symbol.asyncDispose]() {
      await started.interrupt();
      await eve[Symbol.asyncDispose]();
    },
  };
  return scene;
}

/** Runs a case and checks what is said of its failure: on the run, and in its log. */
export async function check(scene: Scene, it: FailureCase): Promise<void> {
  const undo: (() => PromiseLike<unknown>)[] = [];
  try {
    const run = await scene.start(it, (act) => undo.unshift(act));
    await it.meanwhile?.(scene, run);
    const failed = await scene.ended(run);
    assert.equal(failed.status, 'failed', JSON.stringify(failed));
    const { error } = failed;
    assert.ok(error, 'the failure is recorded');
    const { code, phase, message, step, hint, retry, retryClass = null } = it.expect;
    const shown = JSON.stringify(error, null, 2);
    assert.deepEqual({ code: error.code, phase: error.phase }, { code, phase }, shown);
    assert.match(error.message, message, shown);
    if (step) assert.match(error.step ?? '', step, shown);
    assert.match(error.hint, hint ?? /\S/, shown);
    assert.deepEqual({ retry: error.retry_helps, class: error.retry_class }, { retry, class: retryClass }, shown);
    assert.ok(error.tail.length <= 30, shown);
    const { logs } = await scene.client.buildLogs(run.build_id, { run_id: run.id, tail: 50 });
    assert.ok(
      logs.some(({ line }) => JSON.stringify(line).includes(`"${code}"`)),
      `the log has an error line: ${JSON.stringify(logs.at(-1))}`,
    );
  } finally {
    for (const act of undo) await act();
  }
}
