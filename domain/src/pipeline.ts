import type { EnvironmentId, OrganisationId, PipelineRunId, ProjectId, StepId } from './id.ts';
import { isFinal, nextStatus, type Transitions } from './state-machine.ts';

export type PipelineRunStatus = 'pending' | 'running' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled';
export type StepStatus = 'pending' | 'blocked' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'cancelled';

/** One way of a commit or release through the steps of a pipeline. */
export interface PipelineRun {
  readonly id: PipelineRunId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly pipelineName: string;
  readonly environmentId: EnvironmentId | null;
  readonly envName: string | null;
  readonly gitSha: string | null;
  readonly manifestHash: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly status: PipelineRunStatus;
  readonly errorMessage: string | null;
  readonly requestedBy: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export interface Step {
  readonly id: StepId;
  readonly tenantId: OrganisationId;
  readonly runId: PipelineRunId;
  readonly index: number;
  readonly name: string;
  readonly action: 'build' | 'release' | 'deploy';
  readonly envName: string | null;
  readonly dependsOn: readonly string[];
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly status: StepStatus;
  /** What later steps read: build_id, image_digests, release_id, version, tag, deploy_id … */
  readonly output: Readonly<Record<string, unknown>> | null;
  /** The id of the record that does the work: a build run or a deploy. */
  readonly subjectId: string | null;
  readonly errorMessage: string | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export type StepEvent = 'start' | 'succeed' | 'fail' | 'skip' | 'cancel' | 'block';

export const stepTransitions: Transitions<StepStatus, StepEvent> = {
  pending: {
    start: 'running',
    skip: 'skipped',
    cancel: 'cancelled',
    block: 'blocked',
    succeed: 'succeeded',
    fail: 'failed',
  },
  blocked: { start: 'running', cancel: 'cancelled', fail: 'failed' },
  running: { succeed: 'succeeded', fail: 'failed', cancel: 'cancelled' },
  succeeded: {},
  failed: {},
  skipped: {},
  cancelled: {},
};

export const pipelineRunTransitions: Transitions<
  PipelineRunStatus,
  'start' | 'await_approval' | 'succeed' | 'fail' | 'cancel'
> = {
  pending: { start: 'running', fail: 'failed', cancel: 'cancelled' },
  running: { await_approval: 'awaiting_approval', succeed: 'succeeded', fail: 'failed', cancel: 'cancelled' },
  awaiting_approval: { start: 'running', fail: 'failed', cancel: 'cancelled' },
  succeeded: {},
  failed: {},
  cancelled: {},
};

/** The step after an event. Throws `state_transition_invalid`. */
export function advanceStep(
  step: Step,
  event: StepEvent,
  at: Date,
  more: Partial<Pick<Step, 'output' | 'subjectId' | 'errorMessage'>> = {},
): Step {
  const status = nextStatus(stepTransitions, step.status, event, `step ${step.name}`);
  return {
    ...step,
    ...more,
    status,
    ...(status === 'running' && { startedAt: at }),
    ...(isFinal(stepTransitions, status) && { completedAt: at, startedAt: step.startedAt ?? at }),
  };
}

/** The run after an event. Throws `state_transition_invalid`. */
export function advancePipelineRun(
  run: PipelineRun,
  event: 'start' | 'await_approval' | 'succeed' | 'fail' | 'cancel',
  at: Date,
  errorMessage: string | null = run.errorMessage,
): PipelineRun {
  const status = nextStatus(pipelineRunTransitions, run.status, event, `pipeline run ${run.id}`);
  return {
    ...run,
    status,
    errorMessage,
    ...(event === 'start' && { startedAt: run.startedAt ?? at }),
    ...(isFinal(pipelineRunTransitions, status) && { completedAt: at, startedAt: run.startedAt ?? at }),
  };
}

const passed: ReadonlySet<StepStatus> = new Set(['succeeded', 'skipped']);

/** Steps that may start now: pending, and everything they depend on has passed. */
export function startableSteps(steps: readonly Step[]): Step[] {
  const status = new Map(steps.map((step) => [step.name, step.status]));
  return steps.filter(
    (step) => step.status === 'pending' && step.dependsOn.every((name) => passed.has(status.get(name) ?? 'pending')),
  );
}

/** Steps that can never start because something they depend on, at any distance, failed or was cancelled. */
export function unreachableSteps(steps: readonly Step[]): Step[] {
  const dead = new Set(
    steps.filter((step) => step.status === 'failed' || step.status === 'cancelled').map((step) => step.name),
  );
  const lost: Step[] = [];
  for (let grew = true; grew; ) {
    grew = false;
    for (const step of steps) {
      if (step.status === 'pending' && !dead.has(step.name) && step.dependsOn.some((name) => dead.has(name))) {
        dead.add(step.name);
        lost.push(step);
        grew = true;
      }
    }
  }
  return lost;
}

/** How a run stands by its steps: null while something may still happen. */
export function outcomeOf(steps: readonly Step[]): 'succeed' | 'fail' | 'cancel' | null {
  if (steps.some((step) => !isFinal(stepTransitions, step.status))) return null;
  if (steps.some((step) => step.status === 'failed')) return 'fail';
  return steps.some((step) => step.status === 'cancelled') ? 'cancel' : 'succeed';
}

export function isPipelineRunFinished(run: Pick<PipelineRun, 'status'>): boolean {
  return isFinal(pipelineRunTransitions, run.status);
}
