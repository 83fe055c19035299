import type { BuildArtifact, BuildFailure, BuildInputs, BuildRun, BuildSpec } from '@eve/domain';
import { formatBuildFailure } from '@eve/domain';
import type { LogLine, QueuePosition } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { imageRef } from './image-ref.ts';
import { iso } from './time.ts';

export function presentBuildSpec(spec: BuildSpec): contract.BuildSpec {
  return {
    id: spec.id,
    project_id: spec.projectId,
    number: spec.number,
    source: spec.source,
    target: spec.target,
    git_sha: spec.gitSha,
    manifest_hash: spec.manifestHash,
    services: spec.services === null ? null : [...spec.services],
    inputs: spec.inputs === null ? null : presentInputs(spec.inputs),
    registry: spec.registry ?? null,
    cache:
      spec.cache === null
        ? null
        : {
            ...(spec.cache.from && { from: [...spec.cache.from] }),
            ...(spec.cache.to && { to: [...spec.cache.to] }),
            ...(spec.cache.disabled !== undefined && { disabled: spec.cache.disabled }),
          },
    created_by: spec.createdBy,
    created_at: iso(spec.createdAt),
  };
}

function presentInputs({ forceRebuild, tag, buildArgs, platforms, timeoutMs }: BuildInputs): contract.BuildInputs {
  return {
    ...(forceRebuild !== undefined && { force_rebuild: forceRebuild }),
    ...(tag !== undefined && { tag }),
    ...(buildArgs !== undefined && { build_args: { ...buildArgs } }),
    ...(platforms !== undefined && { platforms: [...platforms] }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs % 1000 === 0 ? `${timeoutMs / 1000}s` : `${timeoutMs}ms` }),
  };
}

export function presentFailure(failure: BuildFailure): contract.BuildFailure {
  return {
    code: failure.code,
    message: failure.message,
    service: failure.service,
    step: failure.step,
    tail: [...failure.tail],
    hint: failure.hint,
    retry_helps: failure.retryHelps,
  };
}

export function presentWaiting(position: QueuePosition | null): contract.Waiting | null {
  return position && { reason: position.reason, position: position.position };
}

export function presentBuildRun(run: BuildRun, waiting: QueuePosition | null): contract.BuildRun {
  return {
    id: run.id,
    build_id: run.buildId,
    project_id: run.projectId,
    status: run.status,
    phase: run.phase,
    backend: run.backend,
    attempt: run.attempt,
    notes: [...run.notes],
    runner_ref: run.runnerRef,
    logs_ref: run.logsRef,
    error_message: run.failure && formatBuildFailure(run.failure),
    error_code: run.failure?.code ?? null,
    error: run.failure && presentFailure(run.failure),
    reused_from: run.reusedFrom,
    cancel_requested_at: iso(run.cancelRequestedAt),
    waiting: presentWaiting(waiting),
    created_by: run.createdBy,
    created_at: iso(run.createdAt),
    started_at: iso(run.startedAt),
    completed_at: iso(run.completedAt),
  };
}

export function presentArtifact(
  context: Context,
  { id, buildId, runId, serviceName, image, digests, ...artifact }: BuildArtifact,
): contract.BuildArtifact {
  return {
    id,
    build_id: buildId,
    run_id: runId,
    service_name: serviceName,
    image_ref: imageRef(context, image),
    digest: digests.digest,
    tags: [...artifact.tags],
    platforms: [...artifact.platforms],
    platform_digests: digests.platforms.map(({ platform: name, manifest, config }) => ({
      platform: name,
      manifest,
      config,
    })),
    size_bytes: artifact.sizeBytes,
    sbom_ref: artifact.sbomRef,
    provenance_ref: artifact.provenanceRef,
    created_at: iso(artifact.createdAt),
  };
}

export function presentLine(line: LogLine): contract.LogEntry {
  return {
    sequence: line.sequence,
    timestamp: iso(line.at),
    line: {
      message: line.text,
      step: line.step,
      service: line.service,
      stream: line.stream,
      level: line.level,
      attempt: line.attempt,
      ...(line.code !== null && { error_code: line.code }),
    },
  };
}
