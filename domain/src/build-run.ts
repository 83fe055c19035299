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
  /** What whoever cancelled said, or null. */
  readonly cancelReason: string | null;
  /** How often it was tried again by itself under the spec's retry policy. */
  readonly retries: number;
  /** A run that still waits then fails with `timeout_error`. */
  readonly queueDeadlineAt: Date | null;
  /** What it may use at most; known once it has started. */
  readonly limits: BuildLimits | null;
  /** What it has used so far; null where the engine cannot tell. */
  readonly usage: BuildUsage | null;
  /** The run whose images this one builds again to compare; such a run makes no artifacts. */
  readonly verifies: BuildRunId | null;
  readonly verification: BuildVerification | null;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

/** Memory and CPU of one build are the tenant's limit divided by its concurrency (builderd seed), or less where the manifest asks for less. */
export interface BuildLimits {
  readonly memoryBytes: number | null;
  readonly cpus: number | null;
  readonly timeoutMs: number;
}

/** What a run has used, over all its services. */
export interface BuildUsage {
  readonly peakMemoryBytes: number;
  readonly cpuMs: number;
  readonly diskReadBytes: number;
  readonly diskWrittenBytes: number;
}

/** Per service and platform: the manifest that was recorded and the one that building again gave. */
export type BuildVerification = readonly {
  readonly service: string;
  readonly platform: string;
  readonly expected: string;
  readonly found: string | null;
}[];

export type BuildRunEvent =
  | { readonly type: 'start' }
  | { readonly type: 'complete' }
  | { readonly type: 'fail'; readonly failure: BuildFailure }
  | { readonly type: 'cancel' }
  | { readonly type: 'requeue' }
  /** Given back to be tried again after a delay: a requeue that counts. */
  | { readonly type: 'retry' };

/** `complete` from `pending` is a run that reused another's artifacts. */
export const buildRunTransitions: Transitions<BuildRunStatus, BuildRunEvent['type']> = {
  pending: { start: 'building', complete: 'completed', fail: 'failed', cancel: 'cancelled' },
  building: { complete: 'completed', fail: 'failed', cancel: 'cancelled', requeue: 'pending', retry: 'pending' },
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
    ...(event.type === 'retry' && { retries: run.retries + 1 }),
    ...(event.type === 'start' && { startedAt: at, attempt: run.attempt + 1 }),
    ...(isFinal(buildRunTransitions, status) && { completedAt: at, startedAt: run.startedAt ?? at }),
  };
}

export function isBuildRunFinished(run: Pick<BuildRun, 'status'>): boolean {
  return isFinal(buildRunTransitions, run.status);
}

/** When a run fails because it still waits, or still builds; null once it has ended, or where that is not known yet. */
export function buildRunDeadline({ status, queueDeadlineAt, startedAt, limits }: BuildRun): Date | null {
  if (status === 'pending') return queueDeadlineAt;
  return status === 'building' && startedAt && limits ? new Date(startedAt.getTime() + limits.timeoutMs) : null;
}
