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
import { authorize, type Caller } from '../caller.ts';
import { type AskedFor, commitAskedFor, releaseAskedFor } from '../deploys/asked-for.ts';
import { refuseUnsetSecrets } from '../deploys/revision-secrets.ts';
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
  readonly manifest: Manifest;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Records a run with its steps and the work that moves it, in one transaction. Throws `secret_missing` where its deploys could not be made. */
export async function createPipelineRun(
  { store, now, newId }: Pick<Platform, 'store' | 'now' | 'newId'>,
  caller: Caller,
  { project, environment, pipeline, gitSha, manifestHash, manifest, inputs }: NewPipelineRun,
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
  const deployedTo = steps.flatMap(({ action, envName }) => (action === 'deploy' && envName !== null ? [envName] : []));
  await refuseUnsetSecrets({ store }, project, manifest, deployedTo);
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
    /** Not needed where the inputs name a release. */
    gitSha?: string;
    manifestHash?: string;
    envName?: string;
    inputs?: Readonly<Record<string, unknown>>;
  },
): Promise<{ run: PipelineRun; steps: readonly Step[] }> {
  const { store } = platform;
  const { projectId, envName } = request;
  authorize(caller, 'deploy', projectId);
  const project = await store.projects.get(caller.tenantId, projectId);
  const release = await releaseAskedFor(platform, caller, request);
  const commit = await commitAskedFor(
    platform,
    caller,
    release ? request : await withManifest(platform, caller, request),
    release,
  );
  const { manifest } = commit;
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
  const inputs = { ...request.inputs, ...(release && { release_id: release.id }) };
  return createPipelineRun(platform, caller, { project, environment, pipeline, ...commit, inputs });
}

/** A commit that is named alone means the manifest that was synced for it. */
async function withManifest<Request extends AskedFor>(
  { store }: Pick<Platform, 'store'>,
  { tenantId }: Caller,
  request: Request,
): Promise<Request> {
  const { projectId, gitSha, manifestHash } = request;
  if (gitSha === undefined) {
    const details = [{ path: 'git_sha', message: 'is required' }];
    throw new PlatformError('request_invalid', 'Name a commit with git_sha, or a release in the inputs.', { details });
  }
  const hash = manifestHash ?? (await store.manifests.findForSha(tenantId, projectId, gitSha))?.hash;
  if (hash) return { ...request, manifestHash: hash };
  throw new PlatformError(
    'manifest_missing',
    `No manifest was synced for commit ${gitSha}: \`eve project sync --ref ${gitSha}\`.`,
  );
}
