import {
  type Environment,
  type Manifest,
  type Pipeline,
  type PipelineRun,
  PlatformError,
  type Project,
  type ProjectId,
  type Step,
} from '@eve/domain';
import { manifestForCommit } from '../builds/create-build.ts';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';

/** What runs where a manifest names no pipeline: build → release → deploy. */
export const canonicalPipeline: Pipeline = {
  name: 'deploy',
  steps: [
    { name: 'build', dependsOn: [], action: 'build', envName: null, inputs: {} },
    { name: 'release', dependsOn: ['build'], action: 'release', envName: null, inputs: {} },
    { name: 'deploy', dependsOn: ['release'], action: 'deploy', envName: null, inputs: {} },
  ],
};

/** The pipeline that leads to an environment: its own, else one whose deploy step names it, else the only one that deploys, else the canonical. */
export function pipelineFor(manifest: Manifest, envName: string): { pipeline: Pipeline; configured: boolean } {
  const named = manifest.environments[envName]?.pipeline;
  if (named) {
    const pipeline = manifest.pipelines[named];
    if (!pipeline)
      throw new PlatformError(
        'pipeline_not_found',
        `Environment ${envName} names the pipeline "${named}", which the manifest does not have.`,
      );
    return { pipeline, configured: true };
  }
  const deploying = Object.values(manifest.pipelines).filter(({ steps }) =>
    steps.some(({ action }) => action === 'deploy'),
  );
  const leading = deploying.find(({ steps }) =>
    steps.some((step) => step.action === 'deploy' && step.envName === envName),
  );
  if (leading) return { pipeline: leading, configured: true };
  const [only] = deploying;
  return deploying.length === 1 && only
    ? { pipeline: only, configured: false }
    : { pipeline: canonicalPipeline, configured: false };
}

interface NewPipelineRun {
  readonly project: Project;
  readonly environment: Environment | null;
  readonly pipeline: Pipeline;
  readonly gitSha: string | null;
  readonly manifestHash: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Records a run with its steps and the work that moves it, in one transaction. */
export async function createPipelineRun(
  { store, now, newId }: Pick<Platform, 'store' | 'now' | 'newId'>,
  caller: Caller,
  { project, environment, pipeline, gitSha, manifestHash, inputs }: NewPipelineRun,
): Promise<{ run: PipelineRun; steps: readonly Step[] }> {
  const deploySteps = pipeline.steps.filter(({ action }) => action === 'deploy');
  if (environment && deploySteps.length > 1 && !deploySteps.some(({ envName }) => envName === environment.name)) {
    throw new PlatformError(
      'deploy_request_invalid',
      `Pipeline ${pipeline.name} deploys to ${deploySteps.map(({ envName }) => envName ?? '(none)').join(', ')}, not to ${environment.name}.`,
    );
  }
  const run: PipelineRun = {
    id: newId('prun'),
    tenantId: project.tenantId,
    projectId: project.id,
    pipelineName: pipeline.name,
    environmentId: environment?.id ?? null,
    envName: environment?.name ?? null,
    gitSha,
    manifestHash,
    inputs,
    status: 'pending',
    errorMessage: null,
    requestedBy: caller.actor,
    createdAt: now(),
    startedAt: null,
    completedAt: null,
  };
  const steps = pipeline.steps.map(
    (step, index): Step => ({
      id: newId('pstep'),
      tenantId: project.tenantId,
      runId: run.id,
      index,
      name: step.name,
      action: step.action,
      envName:
        step.action === 'deploy' && deploySteps.length === 1 ? (environment?.name ?? step.envName) : step.envName,
      dependsOn: step.dependsOn,
      inputs: step.inputs,
      status: 'pending',
      output: null,
      subjectId: null,
      errorMessage: null,
      startedAt: null,
      completedAt: null,
    }),
  );
  await store.transaction(async ({ pipelineRuns, queue }) => {
    await pipelineRuns.insert(run, steps);
    await queue.add({
      kind: 'advance-pipeline-run',
      id: run.id,
      tenantId: run.tenantId,
      projectId: run.projectId,
      class: 'control',
      version: 1,
      exclusiveKey: run.id,
    });
  });
  return { run, steps };
}

/** Starts a pipeline of the manifest by name. Throws `pipeline_not_found`, and what the manifest check throws. */
export async function startPipelineRun(
  platform: Pick<Platform, 'store' | 'now' | 'newId'>,
  caller: Caller,
  request: {
    projectId: ProjectId;
    pipeline: string;
    gitSha: string;
    manifestHash?: string;
    envName?: string;
    inputs?: Readonly<Record<string, unknown>>;
  },
): Promise<{ run: PipelineRun; steps: readonly Step[] }> {
  const { store } = platform;
  const { projectId, gitSha, envName, inputs = {} } = request;
  authorize(caller, 'deploy', projectId);
  const project = await store.projects.get(caller.tenantId, projectId);
  const hash = request.manifestHash ?? (await store.manifests.findForSha(caller.tenantId, projectId, gitSha))?.hash;
  if (!hash)
    throw new PlatformError(
      'manifest_missing',
      `No manifest was synced for commit ${gitSha}: \`eve project sync --ref ${gitSha}\`.`,
    );
  const manifest = await manifestForCommit(platform, caller, projectId, gitSha, hash);
  const pipeline = manifest.pipelines[request.pipeline];
  if (!pipeline) {
    const known = Object.keys(manifest.pipelines).join(', ') || 'none';
    throw new PlatformError(
      'pipeline_not_found',
      `The manifest has no pipeline "${request.pipeline}"; it has: ${known}.`,
    );
  }
  const environment = envName ? await store.environments.findByName(caller.tenantId, projectId, envName) : null;
  if (envName && !environment)
    throw new PlatformError('environment_not_found', `There is no environment "${envName}".`);
  return createPipelineRun(platform, caller, { project, environment, pipeline, gitSha, manifestHash: hash, inputs });
}
