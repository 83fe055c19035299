import type { DeployId, EnvironmentId, OrganisationId, ProjectId, RevisionId } from './id.ts';
import { isFinal, nextStatus, type Transitions } from './state-machine.ts';

export type DeployStatus =
  | 'pending'
  | 'awaiting_approval'
  | 'deploying'
  | 'healthy'
  | 'failed'
  | 'cancelled'
  | 'superseded';
export type DeployPhase = 'release_command' | 'starting' | 'probing' | 'canary' | 'paused' | 'switching' | 'draining';

/** One attempt to make a revision serve in its environment. */
export interface Deploy {
  readonly id: DeployId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly revisionId: RevisionId;
  readonly status: DeployStatus;
  readonly phase: DeployPhase | null;
  readonly cause: 'pipeline' | 'direct' | 'rollback' | 'configuration';
  readonly rolledBackTo: DeployId | null;
  readonly failure: DeployFailure | null;
  readonly createdBy: string | null;
  readonly cancelRequestedAt: Date | null;
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
  | 'digest_mismatch'
  | 'engine_error'
  | 'resource_error'
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

/** Thrown by deployers and the executing operation; carries the failure to the record. */
export class DeployFailed extends Error {
  override readonly name = 'DeployFailed';
  readonly failure: DeployFailure;

  constructor(failure: DeployFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}
