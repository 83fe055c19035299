import {
  advancePipelineRun,
  advanceStep,
  type BuildRun,
  type Deploy,
  isPipelineRunFinished,
  type Pipeline,
  type PipelineRun,
  type PipelineRunId,
  type PipelineRunStatus,
  PlatformError,
  type ProjectId,
  type Step,
  waitsForPerson,
} from '@eve/domain';
import { cancelBuildRun } from '../builds/cancel-build-run.ts';
import { authorize, type Caller } from '../caller.ts';
import { cancelDeploy } from '../deploys/cancel-deploy.ts';
import { parseManifest } from '../manifests/parse-manifest.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';

/** The pipelines of the newest synced manifest. */
export async function listPipelines(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
): Promise<readonly Pipeline[]> {
  authorize(caller, 'read', projectId);
  await store.projects.get(caller.tenantId, projectId);
  const latest = await store.manifests.latest(caller.tenantId, projectId);
  return Object.values((latest && parseManifest(latest.manifest.yaml).manifest?.pipelines) ?? {});
}

export interface DescribedPipelineRun {
  readonly run: PipelineRun;
  readonly steps: readonly Step[];
  /** What the deploys of steps wait for that only a person can do, by the id of the step. */
  readonly waits: ReadonlyMap<string, ReturnType<typeof waitsForPerson>>;
}

/** A run with its steps. Throws `pipeline_run_not_found`. */
export async function getPipelineRun(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  runId: PipelineRunId,
): Promise<DescribedPipelineRun> {
  const run = await store.pipelineRuns.get(caller.tenantId, runId);
  authorize(caller, 'read', run.projectId);
  const steps = await store.pipelineRuns.steps(caller.tenantId, runId);
  const deploying = steps.filter(({ action, status }) => action === 'deploy' && status === 'running');
  const waits = deploying.map(async ({ id, subjectId }) => {
    const deploy = subjectId && (await store.deploys.get(caller.tenantId, subjectId as Deploy['id']));
    return [id, deploy ? waitsForPerson(deploy) : null] as const;
  });
  return { run, steps, waits: new Map(await Promise.all(waits)) };
}

/** The runs of a project, newest first. */
export async function listPipelineRuns(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  page: Page & { pipeline?: string; status?: PipelineRunStatus },
): Promise<Listed<PipelineRun>> {
  authorize(caller, 'read', projectId);
  await store.projects.get(caller.tenantId, projectId);
  return store.pipelineRuns.list(caller.tenantId, projectId, page);
}

/** Cancels what has not begun and asks what runs to end; the run is `cancelled` when the last of it has ended. */
export async function cancelPipelineRun(
  platform: Pick<Platform, 'store' | 'now' | 'logs'>,
  caller: Caller,
  runId: PipelineRunId,
): Promise<DescribedPipelineRun> {
  const { store, now } = platform;
  const { run, steps } = await getPipelineRun(platform, caller, runId);
  authorize(caller, 'deploy', run.projectId);
  if (isPipelineRunFinished(run))
    throw new PlatformError(
      'state_transition_invalid',
      `Pipeline run ${runId} has already ended: it is ${run.status}.`,
    );
  const running = steps.filter(({ status }) => status === 'running');
  await store.transaction(async (records) => {
    for (const step of steps.filter(({ status }) => status === 'pending' || status === 'blocked')) {
      await records.pipelineRuns.updateStep(advanceStep(step, 'cancel', now()), {
        was: step.status,
        event: 'cancel',
        actor: caller.actor,
        lease: null,
      });
    }
    if (running.length > 0) return;
    const cancelled = advancePipelineRun(run, 'cancel', now(), `Cancelled by ${caller.actor}.`);
    await records.pipelineRuns.update(cancelled, {
      was: run.status,
      event: 'cancel',
      actor: caller.actor,
      lease: null,
    });
  });
  for (const step of running) await cancelSubject(platform, caller, step);
  return getPipelineRun(platform, caller, runId);
}

const endedAlready: ReadonlySet<string> = new Set(['build_finished', 'deploy_finished']);

async function cancelSubject(
  platform: Pick<Platform, 'store' | 'now' | 'logs'>,
  caller: Caller,
  { action, subjectId }: Step,
): Promise<void> {
  try {
    if (action === 'build' && subjectId) {
      const runId = subjectId as BuildRun['id'];
      const { buildId } = await platform.store.buildRuns.get(caller.tenantId, runId);
      // Whoever may cancel the pipeline run may end what it began.
      await cancelBuildRun(platform, { ...caller, scopes: [...caller.scopes, 'build'] }, { buildId, runId });
    } else if (subjectId) await cancelDeploy(platform, caller, subjectId as Deploy['id']);
  } catch (error) {
    if (!(error instanceof PlatformError && endedAlready.has(error.code))) throw error;
  }
}
