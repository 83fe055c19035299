import type { EveClient } from '@eve/protocol-rest/client';
import type { ExampleRepository } from './example.ts';

/** One act of a journey with its outcome. */
export interface JourneyStep {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly error?: string;
}

export type Say = (line: string) => void;

const pollMs = 150;
const longestMs = 10 * 60_000;

/** Makes the project of the example, as a user would with the command line; it may be there already. */
export async function ensureExampleProject(api: EveClient, repository: ExampleRepository): Promise<string> {
  const project = await api.ensureProject({ name: 'shop', slug: 'shop', repo_url: repository.directory });
  return project.id;
}

/** Syncs the manifest of the newest commit and sets the secrets it names. */
export async function syncExample(
  api: EveClient,
  project: string,
  repository: ExampleRepository,
  secrets: Record<string, string>,
) {
  const sha = await repository.head();
  const synced = await api.syncManifest(project, {
    yaml: await repository.readFile('.eve/manifest.yaml'),
    git_sha: sha,
  });
  const { data } = await api.listSecrets({ project });
  for (const [key, value] of Object.entries(secrets)) {
    if (!data.some((secret) => secret.key === key)) await api.setSecret({ project }, { key, value });
  }
  return { sha, manifestHash: synced.manifest_hash };
}

/** Deploys a commit through the pipeline and says what happens; throws with the reason when it does not succeed. */
export async function deployCommit(
  api: EveClient,
  project: string,
  environment: string,
  commit: { sha: string; manifestHash: string },
  say: Say,
): Promise<void> {
  const answer = await api.requestDeploy(project, environment, {
    git_sha: commit.sha,
    manifest_hash: commit.manifestHash,
  });
  const run = answer.pipeline_run?.run;
  if (!run) throw new Error('The deploy did not start a pipeline.');
  const seen = new Set<string>();
  for (const until = Date.now() + longestMs; Date.now() < until; ) {
    const { run: now, steps } = await api.getPipelineRun(run.id);
    for (const step of steps) {
      const key = `${step.step_name} ${step.status}`;
      if (!seen.has(key) && step.status !== 'pending') {
        seen.add(key);
        say(`  ${step.step_name}: ${step.status}${step.error_message ? ` — ${step.error_message}` : ''}`);
      }
    }
    if (now.status === 'succeeded') return;
    if (now.status === 'failed' || now.status === 'cancelled')
      throw new Error(now.error_message ?? `The pipeline run is ${now.status}.`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error('The pipeline run did not end.');
}

/** Waits for a deploy to be healthy; throws with its failure otherwise. */
export async function waitForDeploy(api: EveClient, deployId: string): Promise<void> {
  for (const until = Date.now() + longestMs; Date.now() < until; ) {
    const deploy = await api.getDeploy(deployId);
    if (deploy.status === 'healthy') return;
    if (!['pending', 'deploying', 'awaiting_approval'].includes(deploy.status)) {
      throw new Error(deploy.error?.message ?? `The deploy is ${deploy.status}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error('The deploy did not end.');
}

/** The addresses of a service: by host name, and by its own loopback port. */
export async function urlsOf(
  api: EveClient,
  project: string,
  environment: string,
  service: string,
): Promise<{ byName: string; byPort: string }> {
  const { services } = await api.environmentStatus(project, environment);
  const urls = services.find(({ name }) => name === service)?.urls ?? [];
  const byPort = urls.find((url) => url.startsWith('http://127.0.0.1:'));
  const byName = urls.find((url) => !url.startsWith('http://127.0.0.1:'));
  if (!byPort || !byName) throw new Error(`Service ${service} of ${environment} has no address.`);
  return { byName, byPort };
}

/** The JSON that a URL answers with; throws unless it is a 200. */
export async function getJson(url: string, host?: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url, { headers: host ? { host } : {}, signal: AbortSignal.timeout(10_000) });
  if (answer.status !== 200)
    throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
  return (await answer.json()) as Record<string, unknown>;
}
