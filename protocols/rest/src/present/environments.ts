import type { Environment, EnvironmentLock, EnvironmentRules, Release, Revision } from '@eve/domain';
import { durationText, environmentVersion, type Instance, strategyWords } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
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
  const { settings } = environment;
  return {
    id: environment.id,
    project_id: environment.projectId,
    name: environment.name,
    type: environment.kind,
    status: environment.status,
    suspended_reason: environment.suspendedReason,
    settings: {
      strategy: settings.strategy && strategyWords(settings.strategy),
      approval: settings.approval === null ? null : approvalWord(settings.approval),
      auto_deploy: settings.autoDeploy,
      protected: settings.protected,
      drift: settings.drift,
      auto_rollback: settings.autoRollback,
      stabilise: settings.stabiliseMs === null ? null : durationText(settings.stabiliseMs),
    },
    lock: presentLock(environment.lock),
    version: environmentVersion(environment),
    current_revision_id: environment.currentRevisionId,
    last_deploy_id: environment.lastDeployId,
    created_at: iso(environment.createdAt),
  };
}

export function presentRules(rules: EnvironmentRules): contract.EnvironmentRules {
  return {
    strategy: strategyWords(rules.strategy),
    approval: approvalWord(rules.approval),
    auto_deploy: rules.autoDeploy,
    protected: rules.protected,
    drift: rules.drift,
    auto_rollback: rules.autoRollback,
    stabilise: durationText(rules.stabiliseMs),
  };
}

export function presentLock(lock: EnvironmentLock | null): contract.EnvironmentLock | null {
  return lock && { holder: lock.holder, reason: lock.reason, since: iso(lock.since) };
}

function approvalWord(approval: boolean): 'required' | 'none' {
  return approval ? 'required' : 'none';
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

export function presentInstance(instance: Instance): Omit<contract.ServiceState['instances'][number], 'last_probe'> {
  return {
    name: instance.name,
    state: instance.state,
    named: instance.named,
    restarts: instance.restarts,
    digests: [...instance.digests],
    ports: instance.ports.map(({ container, host, port }) => ({ container, host, port })),
    started_at: iso(instance.startedAt),
  };
}
