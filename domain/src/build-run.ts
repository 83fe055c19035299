import type { BuildFailure } from './build-failure.ts';
import type { BuildId, BuildRunId, OrganisationId, ProjectId } from './id.ts';
import { isFinal, nextStatus, type Transitions } from './state-machine.ts';

export type BuildRunStatus = 'pending' | 'building' | 'completed' | 'failed' | 'cancelled';
/** For showing while a run is `building`, never for deciding (builderd seed). */
export type BuildPhase = 'preparing' | 'downloading' | 'building' | 'optimizing' | 'packaging';
export type BuilderName = 'buildx' | 'buildkit' | 'kaniko';

/** One attempt to carry a BuildSpec out. */
export interface BuildRun {
  readonly id: BuildRunId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly buildId: BuildId;
  readonly status: BuildRunStatus;
  readonly phase: BuildPhase | null;
  readonly backend: BuilderName;
  /** What the engine's capabilities lacked for this run, shown with it. */
  readonly notes: readonly string[];
  /** Rises when the same run is carried out again after an infrastructure failure. */
  readonly attempt: number;
  readonly runnerRef: string | null;
  readonly logsRef: string | null;
  readonly failure: BuildFailure | null;
  /** The run whose artifacts were taken over, when nothing had to be built. */
  readonly reusedFrom: BuildRunId | null;
  readonly cancelRequestedAt: Date | null;
  readonly cancelRequestedBy: string | null;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export type BuildRunEvent =
  | { readonly type: 'start' }
  | { readonly type: 'complete' }
  | { readonly type: 'fail'; readonly failure: BuildFailure }
  | { readonly type: 'cancel' }
  | { readonly type: 'requeue' };

/** `complete` from `pending` is a run that reused another's artifacts. */
export const buildRunTransitions: Transitions<BuildRunStatus, BuildRunEvent['type']> = {
  pending: { start: 'building', complete: 'completed', fail: 'failed', cancel: 'cancelled' },
  building: { complete: 'completed', fail: 'failed', cancel: 'cancelled', requeue: 'pending' },
  completed: {},
  failed: {},
  cancelled: {},
};

/** The run after an event. Throws `state_transition_invalid`; once a cancel is requested, `complete` is one too. */
export function advanceBuildRun(run: BuildRun, event: BuildRunEvent, at: Date): BuildRun {
  const wanted = event.type === 'complete' && run.cancelRequestedAt ? 'cancel' : event.type;
  const status = nextStatus(buildRunTransitions, run.status, wanted, `build run ${run.id}`);
  return {
    ...run,
    status,
    phase: status === 'building' ? 'preparing' : null,
    ...(event.type === 'fail' && { failure: event.failure }),
    ...(event.type === 'start' && { startedAt: at, attempt: run.attempt + 1 }),
    ...(isFinal(buildRunTransitions, status) && { completedAt: at, startedAt: run.startedAt ?? at }),
  };
}

export function isBuildRunFinished(run: Pick<BuildRun, 'status'>): boolean {
  return isFinal(buildRunTransitions, run.status);
}
