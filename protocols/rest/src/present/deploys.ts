import type { Deploy, DeployFailure, ProbeResult, Strategy } from '@eve/domain';
import { type DeployPlan, type Instance, type QueuePosition, type ServicePlan, strategyWords } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import type { Context, DescribedDeploy, PlannedDeploy } from '../operations.ts';
import { presentWaiting } from './build-runs.ts';
import { presentInstance, presentRelease, presentRevision } from './environments.ts';
import { iso } from './time.ts';

/** `before` is the deploy of the same environment that it waits for. */
export function presentDeploy(
  deploy: Deploy,
  waiting: QueuePosition | null,
  before: Deploy | null = null,
): contract.Deploy {
  return {
    id: deploy.id,
    project_id: deploy.projectId,
    environment_id: deploy.environmentId,
    revision_id: deploy.revisionId,
    status: deploy.status,
    phase: deploy.phase,
    cause: deploy.cause,
    rolled_back_to: deploy.rolledBackTo,
    error_message: deploy.failure?.message ?? null,
    error_code: deploy.failure?.code ?? null,
    error: deploy.failure && presentDeployFailure(deploy.failure),
    strategy: presentStrategy(deploy.strategy),
    warnings: [...deploy.warnings],
    canary: deploy.canary && {
      step: deploy.canary.step,
      weight: deploy.canary.weight,
      since: iso(deploy.canary.since),
      paused: deploy.canary.paused,
    },
    canary_request: deploy.canaryRequest,
    release_commands: deploy.releaseCommands.map(({ service, command, startedAt, completedAt, exitCode }) => ({
      service,
      command: [...command],
      started_at: iso(startedAt),
      completed_at: iso(completedAt),
      exit_code: exitCode,
    })),
    approved_by: deploy.approvedBy,
    approved_at: iso(deploy.approvedAt),
    cancel_requested_at: iso(deploy.cancelRequestedAt),
    cancel_reason: deploy.cancelReason,
    waiting: presentWaiting(waiting),
    waits_for: before && {
      deploy_id: before.id,
      status: before.status,
      phase: before.phase,
      created_by: before.createdBy,
      started_at: iso(before.startedAt),
    },
    created_by: deploy.createdBy,
    created_at: iso(deploy.createdAt),
    started_at: iso(deploy.startedAt),
    completed_at: iso(deploy.completedAt),
  };
}

export function presentDetail(
  context: Context,
  { deploy, environment, revision, release }: DescribedDeploy,
  presented: contract.Deploy = presentDeploy(deploy, null),
): contract.DeployDetail {
  return {
    ...presented,
    env_name: environment.name,
    revision_number: revision.number,
    release: presentRelease(context, release),
  };
}

export function presentDeployInstance(instance: Instance): contract.DeployInstance {
  return { service: instance.service, ...presentInstance(instance) };
}

function presentDeployFailure(failure: DeployFailure): contract.DeployFailure {
  const { code, message, service, hint, probes, logs, instances } = failure;
  return {
    code,
    message,
    service,
    hint,
    probes: probes.map(presentProbe),
    logs: [...logs],
    instances: instances.map((each) => ({
      instance: each.instance,
      service: each.service,
      state: each.state,
      restarts: each.restarts,
      probes: each.probes.map(presentProbe),
      logs: [...each.logs],
    })),
  };
}

function presentProbe({ at, ok, detail }: ProbeResult) {
  return { at: iso(at), ok, detail };
}

/** In the words in which it is given, too. */
export function presentStrategy(strategy: Strategy): contract.Strategy {
  return strategyWords(strategy);
}

export function presentDeployPlan(context: Context, plan: PlannedDeploy): contract.DeployPlan {
  const { environment, environmentIsNew, from, release, releaseIsNew, pipeline } = plan;
  return {
    dry_run: true,
    env_name: environment.name,
    environment_is_new: environmentIsNew,
    from: from && { revision: presentRevision(from.revision), release: presentRelease(context, from.release) },
    release: release && presentRelease(context, release),
    release_is_new: releaseIsNew,
    pipeline,
    services: plan.services.map(presentServicePlan),
    ...presentPlanned(plan),
  };
}

/** What plans of deploys and rollbacks share. */
export function presentPlanned({ strategy, approval, releaseCommands, warnings, refusals }: DeployPlan) {
  return {
    strategy: presentStrategy(strategy),
    approval,
    release_commands: releaseCommands.map(({ service, command }) => ({ service, command: [...command] })),
    warnings: [...warnings],
    refusals: refusals.map(({ code, message }) => ({ code, message })),
  };
}

export function presentServicePlan(plan: ServicePlan): contract.ServicePlan {
  const { service, kind, reason, instances, image, replicas, configuration } = plan;
  const { added, changed, removed } = configuration;
  return {
    service,
    kind,
    reason,
    instances,
    image: { from: image.from, to: image.to },
    replicas: { from: replicas.from, to: replicas.to },
    configuration: { added: [...added], changed: [...changed], removed: [...removed] },
  };
}
