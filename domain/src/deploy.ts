import type { DeployId, EnvironmentId, OrganisationId, ProjectId, RevisionId } from './id.ts';
import { isFinal, nextStatus, type Transitions } from './state-machine.ts';
import type { CanaryRequest, CanaryState, Strategy } from './strategy.ts';

export type DeployStatus =
  | 'pending'
  | 'awaiting_approval'
  | 'deploying'
  | 'healthy'
  | 'failed'
  | 'cancelled'
  | 'superseded';
/** `stabilising`: the traffic has moved, and what came before is kept until the new revision has shown that it stays healthy. */
export type DeployPhase =
  | 'release_command'
  | 'starting'
  | 'probing'
  | 'canary'
  | 'paused'
  | 'switching'
  | 'stabilising'
  /** It has failed: what it started is removed, what served before serves again. */
  | 'draining';

export type DeployCause = 'pipeline' | 'direct' | 'rollback' | 'configuration' | 'repair';

/** One run of a service's release command, such as a migration: at most one per deploy and service. */
export interface ReleaseCommandRun {
  readonly service: string;
  readonly command: readonly string[];
  readonly startedAt: Date;
  readonly completedAt: Date | null;
  /** Null while it runs, and when it was ended from outside. */
  readonly exitCode: number | null;
}

/** One attempt to make a revision serve in its environment. */
export interface Deploy {
  readonly id: DeployId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly revisionId: RevisionId;
  readonly status: DeployStatus;
  readonly phase: DeployPhase | null;
  readonly cause: DeployCause;
  /** Of a failed deploy after its switch: the deploy whose revision serves again. */
  readonly rolledBackTo: DeployId | null;
  /** Also of one that is still deploying: then what served before is being brought back. */
  readonly failure: DeployFailure | null;
  /** Settled when it was asked for. */
  readonly strategy: Strategy;
  /** What whoever asked should know, such as a rollback that crosses a migration. */
  readonly warnings: readonly string[];
  readonly canary: CanaryState | null;
  readonly canaryRequest: CanaryRequest | null;
  readonly releaseCommands: readonly ReleaseCommandRun[];
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
  readonly createdBy: string | null;
  readonly cancelRequestedAt: Date | null;
  readonly cancelReason: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export type DeployFailureCode =
  | 'image_pull_error'
  | 'port_in_use'
  | 'secret_missing'
  | 'container_exited'
  | 'health_check_failed'
  | 'dependency_failed'
  | 'release_command_failed'
  /** Healthy at first, and not any more in the canary or the stabilisation window. */
  | 'unstable'
  | 'digest_mismatch'
  | 'engine_error'
  | 'resource_error'
  /** No machine has room, or none fits. */
  | 'unschedulable'
  | 'quota_exceeded'
  /** An admission rule of the cluster, in its words. */
  | 'admission_refused'
  | 'no_rights'
  /** Somebody else owns what this deploy would change. */
  | 'field_conflict'
  | 'host_taken'
  | 'infrastructure_error';

/** Why a deploy failed: what was probed and the last lines of the container. */
export interface DeployFailure {
  readonly code: DeployFailureCode;
  readonly message: string;
  readonly service: string | null;
  readonly hint: string;
  readonly probes: readonly ProbeResult[];
  /** The last 100 lines of the container that failed. */
  readonly logs: readonly string[];
  /** Every instance that the deploy had started, as it was when it failed. */
  readonly instances: readonly InstanceReport[];
}

export interface InstanceReport {
  readonly instance: string;
  readonly service: string;
  readonly state: 'running' | 'exited' | 'restarting';
  readonly restarts: number;
  /** Every answer of its check, oldest first. */
  readonly probes: readonly ProbeResult[];
  /** Its last 100 lines. */
  readonly logs: readonly string[];
}

export interface ProbeResult {
  readonly at: Date;
  readonly ok: boolean;
  /** Such as `GET /health/ready: 503` or `connect 127.0.0.1:31000: refused`. */
  readonly detail: string;
}

export type DeployEvent =
  | { readonly type: 'await_approval' }
  | { readonly type: 'start' }
  | { readonly type: 'succeed' }
  | { readonly type: 'fail'; readonly failure: DeployFailure }
  | { readonly type: 'cancel' }
  | { readonly type: 'supersede' };

export const deployTransitions: Transitions<DeployStatus, DeployEvent['type']> = {
  pending: {
    await_approval: 'awaiting_approval',
    start: 'deploying',
    fail: 'failed',
    cancel: 'cancelled',
    supersede: 'superseded',
  },
  awaiting_approval: { start: 'deploying', fail: 'failed', cancel: 'cancelled', supersede: 'superseded' },
  deploying: { succeed: 'healthy', fail: 'failed', cancel: 'cancelled' },
  healthy: {},
  failed: {},
  cancelled: {},
  superseded: {},
};

/** The deploy after an event. Throws `state_transition_invalid`. */
export function advanceDeploy(deploy: Deploy, event: DeployEvent, at: Date): Deploy {
  const status = nextStatus(deployTransitions, deploy.status, event.type, `deploy ${deploy.id}`);
  return {
    ...deploy,
    status,
    phase: status === 'deploying' ? 'starting' : null,
    ...(event.type === 'fail' && { failure: event.failure }),
    ...(event.type === 'start' && { startedAt: at }),
    ...(isFinal(deployTransitions, status) && { completedAt: at, startedAt: deploy.startedAt ?? at }),
  };
}

export function isDeployFinished(deploy: Pick<Deploy, 'status'>): boolean {
  return isFinal(deployTransitions, deploy.status);
}

/** Whether a deploy has not begun and waits for nothing but its turn: where it needs an approval it has it. */
export function waitsForItsTurn({ status, approvedAt }: Pick<Deploy, 'status' | 'approvedAt'>): boolean {
  return status === 'pending' || (status === 'awaiting_approval' && approvedAt !== null);
}

/** What a deploy waits for that only a person can do: to approve it, or to say how a paused one goes on. */
export function waitsForPerson({
  status,
  phase,
  approvedAt,
}: Pick<Deploy, 'status' | 'phase' | 'approvedAt'>): 'approval' | 'promotion' | null {
  if (status === 'awaiting_approval' && approvedAt === null) return 'approval';
  return status === 'deploying' && phase === 'paused' ? 'promotion' : null;
}

/** Thrown by deployers and the executing operation; carries the failure to the record. */
export class DeployFailed extends Error {
  override readonly name = 'DeployFailed';
  readonly failure: DeployFailure;

  constructor(failure: DeployFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}
