import type { Deploy, Drift, DriftDifference } from '@eve/domain';
import type { BoardDeploy, BoardRelease } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import type { Board, Context, DriftView, EnvironmentDiagnosis, EnvironmentStatus } from '../operations.ts';
import { presentPage } from '../paging.ts';
import { presentDeploy } from './deploys.ts';
import { presentEnvironment, presentInstance, presentRelease, presentRevision, presentRules } from './environments.ts';
import { iso } from './time.ts';

export function presentStatus(context: Context, status: EnvironmentStatus): contract.EnvironmentStatus {
  const { environment, revision, release, lastDeploy, activeDeploy, waitingDeploy, drift, differences } = status;
  const at = context.platform.now();
  return {
    project_id: environment.projectId,
    env_name: environment.name,
    status: status.health,
    ready: status.ready,
    unknown_because: status.unknownBecause,
    hint: status.hint,
    environment: presentEnvironment(environment),
    rules: presentRules(status.rules),
    revision: revision && presentRevision(revision),
    release: release && presentRelease(context, release),
    last_deploy: lastDeploy && presentDeploy(lastDeploy, null),
    active_deploy: activeDeploy && presentActive(activeDeploy, at),
    waiting_deploy: waitingDeploy && presentDeploy(waitingDeploy, null),
    drift: drift && presentDrift(drift),
    differences: differences.map(presentDifference),
    services: status.services.map(({ name, state, instances, replicas, image, urls, digestMatches }) => ({
      name,
      state,
      image,
      urls: [...urls],
      replicas,
      digest_matches: digestMatches,
      instances: instances.map(({ lastProbe: probe, ...instance }) => ({
        ...presentInstance(instance),
        last_probe: probe && { at: iso(probe.at), ok: probe.ok, detail: probe.detail },
      })),
    })),
    checked_at: iso(at),
  };
}

function presentActive(deploy: Deploy, at: Date): contract.ActiveDeploy {
  const since = deploy.startedAt ?? deploy.createdAt;
  return {
    ...presentDeploy(deploy, null),
    holder: deploy.createdBy ?? 'system',
    age_seconds: Math.max(0, Math.round((at.getTime() - since.getTime()) / 1000)),
  };
}

export function presentHealth(context: Context, status: EnvironmentStatus): contract.EnvironmentHealth {
  const { environment, services, activeDeploy, health, ready, unknownBecause, differences, hint } = status;
  const running = services.map(({ instances }) => instances.filter(({ state, named }) => state === 'running' && named));
  return {
    project_id: environment.projectId,
    env_name: environment.name,
    namespace: null,
    status: health,
    ready,
    deployment:
      services.length === 0
        ? null
        : {
            ready,
            available_replicas: running.reduce((sum, { length }) => sum + length, 0),
            desired_replicas: services.reduce((sum, { replicas }) => sum + replicas, 0),
            conditions: services.map(({ name, state, replicas }, index) => ({
              type: name,
              status: state === 'running',
              message: `${state}: ${running[index]?.length ?? 0} of ${replicas}`,
            })),
          },
    warnings: [
      ...(unknownBecause ? [unknownBecause] : []),
      ...differences.map(({ kind, service, expected, found }) => `${kind} ${service}: ${found}, expected ${expected}`),
      ...(hint ? [hint] : []),
    ],
    checked_at: iso(context.platform.now()),
    engine_available: unknownBecause === null,
    k8s_available: false,
    active_deploy_id: activeDeploy?.id ?? null,
    active_pipeline_run: status.activePipelineRunId,
  };
}

export function presentDrift(drift: Drift): contract.Drift {
  return {
    id: drift.id,
    project_id: drift.projectId,
    environment_id: drift.environmentId,
    revision_id: drift.revisionId,
    differences: drift.differences.map(presentDifference),
    detected_at: iso(drift.detectedAt),
    seen_at: iso(drift.seenAt),
    cleared_at: iso(drift.clearedAt),
    repair_deploy_id: drift.repairDeployId,
  };
}

function presentDifference({ kind, service, instance, expected, found }: DriftDifference): contract.DriftDifference {
  return { kind, service, instance, expected, found };
}

export function presentDriftView(
  envName: string,
  view: DriftView,
  query: Parameters<typeof presentPage>[1],
): contract.EnvironmentDrift {
  const { watched, rule, current, repair } = view;
  return {
    env_name: envName,
    watched,
    rule,
    current: current && presentDrift(current),
    repair: repair && {
      tried: repair.tried.map(({ id, status, completedAt }) => ({
        deploy_id: id,
        status,
        completed_at: iso(completedAt),
      })),
      next_at: iso(repair.nextAt),
    },
    ...presentPage(view, query, presentDrift),
  };
}

export function presentDiagnosis(context: Context, diagnosis: EnvironmentDiagnosis): contract.EnvironmentDiagnosis {
  const { status, summary, findings, suggestedCommand, logs, events, lastFailed } = diagnosis;
  return {
    env_name: status.environment.name,
    status: presentStatus(context, status),
    summary,
    findings: [...findings],
    suggested_command: suggestedCommand,
    logs: logs.map(({ instance, lines }) => ({ instance, lines: [...lines] })),
    events: events.map(({ at, subjectId, event, to, actor }) => ({
      at: iso(at),
      subject_id: subjectId,
      event,
      to,
      actor,
    })),
    last_failed_deploy: lastFailed && presentDeploy(lastFailed, null),
    active_pipeline_run_id: status.activePipelineRunId,
  };
}

export function presentRecovery(context: Context, diagnosis: EnvironmentDiagnosis): contract.EnvironmentRecovery {
  const { status, summary, suggestedCommand, lastFailed } = diagnosis;
  return {
    active_pipeline_run_id: status.activePipelineRunId,
    current_release_id: status.release?.id ?? null,
    last_failed_deploy_id: lastFailed?.id ?? null,
    diagnose: presentDiagnosis(context, diagnosis),
    suggested_command: suggestedCommand,
    summary,
  };
}

export function presentBoard(context: Context, board: Board, query: Parameters<typeof presentPage>[1]): contract.Board {
  return {
    engine_available: board.engineAnswers,
    drift_watched: board.watched,
    checked_at: iso(context.platform.now()),
    ...presentPage(board, query, presentBoardEntry),
  };
}

function presentBoardEntry(row: Board['items'][number]): contract.BoardEntry {
  const { environment, release, active, waiting, drift, newest } = row;
  return {
    project_id: environment.projectId,
    project: row.projectSlug,
    env_name: environment.name,
    environment: presentEnvironment(environment),
    health: row.health,
    revision_number: row.revisionNumber,
    release: release && presentBoardRelease(release),
    since: iso(row.since),
    by: row.by,
    active_deploy: active && presentBoardDeploy(active),
    waiting_deploy: waiting && presentBoardDeploy(waiting),
    drift: drift && presentDrift(drift),
    newest_release: newest && presentBoardRelease(newest),
    releases_behind: row.behind,
  };
}

function presentBoardRelease({ id, tag, version, gitSha, createdAt }: BoardRelease) {
  return { id, tag, version, git_sha: gitSha, created_at: iso(createdAt) };
}

function presentBoardDeploy({ id, status, phase, cause, createdBy, createdAt, startedAt, canary }: BoardDeploy) {
  return {
    id,
    status,
    phase,
    cause,
    holder: createdBy,
    since: iso(startedAt ?? createdAt),
    canary_weight: canary?.weight ?? null,
  };
}
