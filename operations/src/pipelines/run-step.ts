import {
  type BuildId,
  isId,
  type PipelineRun,
  PlatformError,
  type Release,
  type Step,
  type StepEvent,
  type Strategy,
} from '@eve/domain';
import { createBuild, manifestForCommit } from '../builds/create-build.ts';
import { startBuildRun } from '../builds/start-build-run.ts';
import type { Caller } from '../caller.ts';
import { environmentFor } from '../deploys/environment-for.ts';
import { manifestOf, queueDeploy } from '../deploys/queue-deploy.ts';
import { strategyFrom } from '../manifests/read-strategy.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { freezeNext } from '../releases/create-release.ts';

/** Writes where a step stands now, into the transaction that made its work. */
export type MoveStep = (
  records: Pick<Records, 'pipelineRuns'>,
  event: StepEvent,
  more?: { subjectId?: string; output?: Record<string, unknown> },
) => Promise<void>;

/** Does what a step is for: its work goes on as a build run or deploy of its own, or it has succeeded already. */
export async function runStep(
  platform: Platform,
  run: PipelineRun,
  step: Step,
  steps: readonly Step[],
  move: MoveStep,
): Promise<void> {
  const caller: Caller = {
    actor: run.requestedBy ?? 'system',
    tenantId: run.tenantId,
    scopes: ['admin'],
    projectId: null,
    operator: false,
  };
  const given = await givenRelease(platform, run);
  if (given && step.action !== 'deploy') return move(platform.store, 'skip', { output: releaseOutput(given) });
  if (step.action === 'build') return startBuild(platform, caller, run, step, move);
  if (step.action === 'release') return makeRelease(platform, caller, run, step, steps, move);
  return startDeploy(platform, caller, run, step, steps, given, move);
}

/** The release that the run was started with; then nothing is built and nothing new is released. */
async function givenRelease({ store }: Pick<Platform, 'store'>, run: PipelineRun): Promise<Release | null> {
  const id = run.inputs.release_id;
  return typeof id === 'string' && isId('rel', id) ? store.releases.get(run.tenantId, id) : null;
}

async function startBuild(
  platform: Platform,
  caller: Caller,
  run: PipelineRun,
  step: Step,
  move: MoveStep,
): Promise<void> {
  const inputs = { ...run.inputs, ...step.inputs };
  const services = inputs.services ?? inputs.components;
  const spec = await createBuild(platform, caller, run.projectId, {
    gitSha: run.gitSha as string,
    manifestHash: run.manifestHash,
    services: Array.isArray(services) ? services.map(String) : null,
    inputs: {
      ...(inputs.force_rebuild === true && { forceRebuild: true }),
      ...(typeof inputs.tag === 'string' && { tag: inputs.tag }),
    },
  });
  await startBuildRun(platform, caller, {
    buildId: spec.id,
    also: (records, { id }) =>
      move(records, 'start', { subjectId: id, output: { build_id: spec.id, build_run_id: id } }),
  });
}

async function makeRelease(
  platform: Platform,
  caller: Caller,
  run: PipelineRun,
  step: Step,
  steps: readonly Step[],
  move: MoveStep,
): Promise<void> {
  const { store } = platform;
  const buildId = outputOf(steps, step, 'build_id') as BuildId | undefined;
  if (!buildId)
    throw new PlatformError(
      'artifacts_missing',
      'The release step has no build before it: give it a build step in depends_on.',
    );
  const project = await store.projects.get(run.tenantId, run.projectId);
  const manifest = await manifestForCommit(platform, caller, run.projectId, run.gitSha as string, run.manifestHash);
  const artifacts = await store.buildArtifacts.listOfBuild(run.tenantId, buildId);
  const { release, note } = await freezeNext(platform, caller, {
    project,
    manifest,
    manifestHash: run.manifestHash,
    gitSha: run.gitSha,
    buildId,
    choice: { kind: 'artifacts', artifacts },
  });
  await move(store, 'succeed', { output: { ...releaseOutput(release), ...(note !== null && { note }) } });
}

function releaseOutput({ id, buildId, version, tag }: Release): Record<string, unknown> {
  return { release_id: id, build_id: buildId, version, tag };
}

async function startDeploy(
  platform: Platform,
  caller: Caller,
  run: PipelineRun,
  step: Step,
  steps: readonly Step[],
  given: Release | null,
  move: MoveStep,
): Promise<void> {
  const { store } = platform;
  const releaseId = given?.id ?? outputOf(steps, step, 'release_id');
  if (typeof releaseId !== 'string')
    throw new PlatformError('release_not_found', 'The deploy step has no release before it.');
  const release = await store.releases.get(run.tenantId, releaseId as Release['id']);
  if (step.envName === null)
    throw new PlatformError('environment_not_found', 'The deploy step names no environment (env_name).');
  const project = await store.projects.get(run.tenantId, run.projectId);
  const manifest = await manifestOf(platform, release);
  const environment = await environmentFor(platform, caller, project, manifest, step.envName);
  await queueDeploy(platform, {
    environment,
    release,
    cause: 'pipeline',
    actor: caller.actor,
    strategy: strategyAskedFor(run, step),
    also: (records, { deploy, revision }) => {
      const place = { env_id: environment.id, env_name: environment.name };
      const output = { release_id: release.id, deploy_id: deploy.id, revision: revision.number, ...place };
      return move(records, 'start', { subjectId: deploy.id, output });
    },
  });
}

/** The strategy of the request counts for the environment that it named, or for all when it named none. */
function strategyAskedFor(run: PipelineRun, step: Step): Strategy | undefined {
  const own = run.envName === null || run.envName === step.envName;
  const words = (own ? run.inputs.strategy : undefined) ?? step.inputs.strategy;
  return words === undefined || words === null ? undefined : strategyFrom(words);
}

/** A value that a step before this one gave: one it depends on first, then any. */
function outputOf(steps: readonly Step[], step: Step, name: string): unknown {
  const before = [...steps].sort(
    (a, b) => Number(step.dependsOn.includes(b.name)) - Number(step.dependsOn.includes(a.name)),
  );
  return before.map(({ output }) => output?.[name]).find((value) => value !== undefined && value !== null);
}
