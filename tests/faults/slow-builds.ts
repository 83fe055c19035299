import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EveClient } from '@eve/protocol-rest/client';
import type { BuildRun, BuildSpec, LogEntry } from '@eve/protocol-rest/contract';
import { repositoryWith } from '../../apps/cli/testing/repository.ts';
import { allEvents, until } from './until.ts';

const manifest = 'services:\n  web:\n    build: .\n  jobs:\n    build: .\n';

/** Prints a line every tenth of a second, so that there is something to lose. */
export const dockerfile = (seconds: number, marker: string) =>
  `FROM debian:12-slim\nRUN for i in $(seq 1 ${seconds * 10}); do echo "${marker} line $i"; sleep 0.1; done\n`;

/** A project with one commit of two services, and its build. */
export async function buildOf(client: EveClient, directory: string, name: string, text: string): Promise<BuildSpec> {
  const sha = await repositoryWith(directory, { Dockerfile: text, '.eve/manifest.yaml': manifest });
  const project = await client.createProject({ name, repo_url: directory, branch: 'main' });
  const synced = await client.syncManifest(project.id, { yaml: manifest, git_sha: sha });
  return client.createBuild(project.id, { git_sha: sha, manifest_hash: synced.manifest_hash });
}

/** Every line that was acknowledged to a reader before the server went away. */
export async function linesUntilGone(client: EveClient, run: BuildRun): Promise<readonly LogEntry[]> {
  let seen: readonly LogEntry[] = [];
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    try {
      seen = (await client.buildLogs(run.build_id, { run_id: run.id, after: 0, limit: 1000 })).logs;
    } catch {
      return seen;
    }
  }
  return assert.fail('The failpoint was not reached.');
}

/** The run when it has ended. */
export async function endOf(client: EveClient, run: BuildRun): Promise<BuildRun> {
  let now = run;
  await until(async () => {
    now = await client.getBuildRun(run.build_id, run.id).catch(() => now);
    return now.completed_at !== null;
  });
  return now;
}

/** One final state, one image per service, and a log without gaps that begins with what was seen before. */
export async function checkOutcome(
  client: EveClient,
  spec: BuildSpec,
  run: BuildRun,
  seen: readonly LogEntry[],
): Promise<void> {
  const finals = (await allEvents(client)).filter(
    ({ subject_id: id, to }) => id === run.id && ['completed', 'failed', 'cancelled'].includes(to),
  );
  assert.equal(finals.length, 1);
  const { data: artifacts } = await client.listBuildArtifacts(spec.id, { run_id: run.id });
  assert.deepEqual(artifacts.map(({ service_name: name }) => name).sort(), ['jobs', 'web']);
  const { logs } = await client.buildLogs(spec.id, { run_id: run.id, after: 0, limit: 1000 });
  assert.deepEqual(
    logs.map(({ sequence }) => sequence),
    logs.map((_, index) => index + 1),
  );
  assert.deepEqual(logs.slice(0, seen.length), seen);
}

/** Every line of a run's log, in order. */
export async function allLines(client: EveClient, run: BuildRun): Promise<string[]> {
  const lines: string[] = [];
  for (let after = 0; ; ) {
    const { logs } = await client.buildLogs(run.build_id, { run_id: run.id, after, limit: 1000 });
    lines.push(...logs.map(({ line }) => String(Reflect.get(line, 'message'))));
    const last = logs.at(-1);
    if (!last) return lines;
    after = last.sequence;
  }
}
