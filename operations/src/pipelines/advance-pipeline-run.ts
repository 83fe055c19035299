import {
  advancePipelineRun as advanceRun,
  advanceStep,
  type BuildRun,
  type Deploy,
  isBuildRunFinished,
  isDeployFinished,
  isPipelineRunFinished,
  outcomeOf,
  type PipelineRun,
  PlatformError,
  type Step,
  type StepEvent,
  startableSteps,
  unreachableSteps,
} from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { runStep } from './run-step.ts';

/**
 * Moves a pipeline run as far as it goes: takes over what builds and deploys have come to, starts the steps that may start,
 * and ends the run when nothing more can happen. Runs one at a time for each run, and again whenever a step's work ends.
 */
export async function advancePipelineRun(platform: Platform, work: ClaimedWork): Promise<void> {
  const { store, now } = platform;
  let run = await store.pipelineRuns.get(work.tenantId, work.id as PipelineRun['id']);
  if (isPipelineRunFinished(run)) return store.queue.settle(work.lease);
  if (run.status === 'pending') {
    const started = advanceRun(run, 'start', now());
    await store.pipelineRuns.update(started, { was: run.status, event: 'start', actor: 'system', lease: work.lease });
    run = started;
  }

  for (;;) {
    const steps = await store.pipelineRuns.steps(run.tenantId, run.id);
    const moved =
      (await takeOver(platform, work, steps)) ||
      (await closeUnreachable(platform, work, steps)) ||
      (await startNext(platform, work, run, steps));
    if (!moved) break;
  }

  await store.transaction(async (records) => {
    const steps = await records.pipelineRuns.steps(run.tenantId, run.id);
    const outcome = outcomeOf(steps);
    if (outcome) {
      const failed = steps.find(({ status }) => status === 'failed');
      const message = failed ? `Step ${failed.name} failed: ${failed.errorMessage}` : null;
      const ended = advanceRun(run, outcome, now(), message);
      await records.pipelineRuns.update(ended, { was: run.status, event: outcome, actor: 'system', lease: work.lease });
    }
    await records.queue.settle(work.lease);
  });
}

async function move(
  { store, now }: { store: Pick<Records, 'pipelineRuns'>; now(): Date },
  { lease }: ClaimedWork,
  step: Step,
  event: StepEvent,
  more: Parameters<typeof advanceStep>[3] = {},
): Promise<void> {
  await store.pipelineRuns.updateStep(advanceStep(step, event, now(), more), {
    was: step.status,
    event,
    actor: 'system',
    lease,
  });
}

/** Takes the outcome of finished builds and deploys over into their running steps. */
async function takeOver(platform: Platform, work: ClaimedWork, steps: readonly Step[]): Promise<boolean> {
  let moved = false;
  for (const step of steps.filter(({ status }) => status === 'running')) {
    const ended = await endOf(platform, step);
    if (!ended) continue;
    await move(platform, work, step, ended.event, ended);
    moved = true;
  }
  return moved;
}

type Ended = { event: StepEvent; output?: Record<string, unknown>; errorMessage?: string | null };

async function endOf({ store }: Pick<Platform, 'store'>, step: Step): Promise<Ended | null> {
  if (step.subjectId === null) return null;
  if (step.action === 'build') {
    const run = await store.buildRuns.get(step.tenantId, step.subjectId as BuildRun['id']);
    if (!isBuildRunFinished(run)) return null;
    if (run.status === 'cancelled') return { event: 'cancel', errorMessage: 'The build was cancelled.' };
    if (run.status === 'failed')
      return {
        event: 'fail',
        errorMessage: run.failure?.message ?? 'The build failed.',
        output: { build_id: run.buildId },
      };
    const artifacts = await store.buildArtifacts.listOfRun(step.tenantId, run.id);
    const image_digests = Object.fromEntries(
      artifacts.map(({ serviceName, digests }) => [serviceName, digests.digest]),
    );
    return {
      event: 'succeed',
      output: { build_id: run.buildId, build_run_id: run.id, image_digests, reused: run.reusedFrom !== null },
    };
  }
  const deploy = await store.deploys.get(step.tenantId, step.subjectId as Deploy['id']);
  if (!isDeployFinished(deploy)) return null;
  if (deploy.status === 'healthy')
    return {
      event: 'succeed',
      output: { ...step.output, deploy_id: deploy.id, env_id: deploy.environmentId, env_name: step.envName },
    };
  if (deploy.status === 'failed')
    return { event: 'fail', errorMessage: deploy.failure?.message ?? 'The deploy failed.' };
  const why = deploy.cancelReason ? `: ${deploy.cancelReason}` : '.';
  return {
    event: 'cancel',
    errorMessage: deploy.status === 'superseded' ? 'A newer deploy took its place.' : `The deploy was cancelled${why}`,
  };
}

async function closeUnreachable(platform: Platform, work: ClaimedWork, steps: readonly Step[]): Promise<boolean> {
  const lost = unreachableSteps(steps);
  for (const step of lost)
    await move(platform, work, step, 'cancel', { errorMessage: 'A step it depends on did not succeed.' });
  return lost.length > 0;
}

/** Starts one step that may start; what a step refuses (a missing secret, say) fails the step with the reason. */
async function startNext(
  platform: Platform,
  work: ClaimedWork,
  run: PipelineRun,
  steps: readonly Step[],
): Promise<boolean> {
  const [step] = startableSteps(steps);
  if (!step) return false;
  try {
    await runStep(platform, run, step, steps, (records, event, more) =>
      move({ ...platform, store: records }, work, step, event, more),
    );
  } catch (error) {
    if (!(error instanceof PlatformError) || error.kind === 'unavailable' || error.code === 'lease_lost') throw error;
    await move(platform, work, step, 'fail', { errorMessage: error.message });
  }
  return true;
}

/** Ends a pipeline run that could not be moved again and again for a reason of ours. */
export async function giveUpPipelineRun(
  { store, now, log }: Pick<Platform, 'store' | 'now' | 'log'>,
  work: ClaimedWork,
  error: unknown,
): Promise<void> {
  const run = await store.pipelineRuns.get(work.tenantId, work.id as PipelineRun['id']);
  log.error({ pipelineRunId: run.id, error: String(error) }, 'a pipeline run could not be moved');
  await store.transaction(async (records) => {
    for (const step of await records.pipelineRuns.steps(run.tenantId, run.id)) {
      if (!['pending', 'blocked', 'running'].includes(step.status)) continue;
      await move({ store: records, now }, work, step, 'cancel', { errorMessage: 'The pipeline run was given up.' });
    }
    if (!isPipelineRunFinished(run)) {
      const failed = advanceRun(run, 'fail', now(), 'Eve could not move this run: see its own log for the cause.');
      await records.pipelineRuns.update(failed, { was: run.status, event: 'fail', actor: 'system', lease: work.lease });
    }
    await records.queue.settle(work.lease);
  });
}
