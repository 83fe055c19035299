import type { ConfigVersion, Deploy, DeployFailure, Environment, Release, Revision } from '@eve/domain';
import type { Instance, PlannedChange, QueuePosition } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import type { Context, EnvironmentStatus } from '../operations.ts';
import { presentWaiting } from './build-runs.ts';
import { imageRef } from './image-ref.ts';
import { iso } from './time.ts';

export function presentRelease(context: Context, release: Release): contract.Release {
  const images = Object.entries(release.images);
  return {
    id: release.id,
    project_id: release.projectId,
    git_sha: release.gitSha,
    manifest_hash: release.manifestHash,
    image_digests: images.length === 0 ? null : Object.fromEntries(images.map(([name, { digest }]) => [name, digest])),
    images: Object.fromEntries(
      images.map(([name, { image, digest }]) => [name, { image_ref: imageRef(context, image), digest }]),
    ),
    build_id: release.buildId,
    version: release.version,
    tag: release.tag,
    local: release.local,
    created_by: release.createdBy,
    created_at: iso(release.createdAt),
  };
}

export function presentEnvironment(environment: Environment): contract.Environment {
  return {
    id: environment.id,
    project_id: environment.projectId,
    name: environment.name,
    type: environment.kind,
    status: environment.status,
    current_revision_id: environment.currentRevisionId,
    last_deploy_id: environment.lastDeployId,
    created_at: iso(environment.createdAt),
  };
}

export function presentRevision(revision: Revision): contract.Revision {
  return {
    id: revision.id,
    project_id: revision.projectId,
    environment_id: revision.environmentId,
    number: revision.number,
    release_id: revision.releaseId,
    config_version_id: revision.configVersionId,
    secret_keys: Object.keys(revision.secretVersions),
    restored_from: revision.restoredFrom,
    created_by: revision.createdBy,
    created_at: iso(revision.createdAt),
  };
}

export function presentDeploy(deploy: Deploy, waiting: QueuePosition | null): contract.Deploy {
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
    cancel_requested_at: iso(deploy.cancelRequestedAt),
    waiting: presentWaiting(waiting),
    created_by: deploy.createdBy,
    created_at: iso(deploy.createdAt),
    started_at: iso(deploy.startedAt),
    completed_at: iso(deploy.completedAt),
  };
}

function presentDeployFailure({ code, message, service, hint, probes, logs }: DeployFailure): contract.DeployFailure {
  return {
    code,
    message,
    service,
    hint,
    probes: probes.map(({ at, ok, detail }) => ({ at: iso(at), ok, detail })),
    logs: [...logs],
  };
}

export function presentConfigVersion(version: ConfigVersion): contract.ConfigVersion {
  return {
    id: version.id,
    environment_id: version.environmentId,
    number: version.number,
    values: Object.fromEntries(Object.entries(version.values).map(([service, values]) => [service, { ...values }])),
    message: version.message,
    created_by: version.createdBy,
    created_at: iso(version.createdAt),
  };
}

export function presentStatus(
  context: Context,
  { environment, revision, release, lastDeploy, services, ready, health }: EnvironmentStatus,
): contract.EnvironmentStatus {
  return {
    project_id: environment.projectId,
    env_name: environment.name,
    status: health,
    ready,
    environment: presentEnvironment(environment),
    revision: revision && presentRevision(revision),
    release: release && presentRelease(context, release),
    last_deploy: lastDeploy && presentDeploy(lastDeploy, null),
    services: services.map(({ name, state, instances, replicas, image, urls, digestMatches }) => ({
      name,
      state,
      image,
      urls: [...urls],
      replicas,
      digest_matches: digestMatches,
      instances: instances.map(presentInstance),
    })),
    checked_at: iso(context.platform.now()),
  };
}

function presentInstance(instance: Instance): contract.ServiceState['instances'][number] {
  return {
    name: instance.name,
    state: instance.state,
    restarts: instance.restarts,
    digests: [...instance.digests],
    ports: instance.ports.map(({ container, host, port }) => ({ container, host, port })),
    started_at: iso(instance.startedAt),
  };
}

export function presentChange({ service, kind, reason, instances }: PlannedChange) {
  return { service, kind, reason, instances };
}
