import type { BuildArtifact, BuildFailure, BuildRun, BuildStep } from '@eve/domain';
import { buildRunDeadline, formatBuildFailure } from '@eve/domain';
import type { QueuePosition } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { imageRef } from './image-ref.ts';
import { iso } from './time.ts';

export function presentFailure(failure: BuildFailure): contract.BuildFailure {
  return {
    code: failure.code,
    phase: failure.phase,
    message: failure.message,
    service: failure.service,
    step: failure.step,
    tail: [...failure.tail],
    hint: failure.hint,
    retry_helps: failure.retryHelps,
    retry_class: failure.retryClass,
  };
}

export function presentWaiting(position: QueuePosition | null): contract.Waiting | null {
  return position && { reason: position.reason, position: position.position, until: iso(position.runAt ?? null) };
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
    retries: run.retries,
    notes: [...run.notes],
    runner_ref: run.runnerRef,
    logs_ref: run.logsRef,
    error_message: run.failure && formatBuildFailure(run.failure),
    error_code: run.failure?.code ?? null,
    error: run.failure && presentFailure(run.failure),
    reused_from: run.reusedFrom,
    verifies: run.verifies,
    verification: run.verification?.map((each) => ({ ...each })) ?? null,
    limits: run.limits && {
      memory_bytes: run.limits.memoryBytes,
      cpus: run.limits.cpus,
      timeout_ms: run.limits.timeoutMs,
    },
    usage: run.usage && {
      peak_memory_bytes: run.usage.peakMemoryBytes,
      cpu_ms: run.usage.cpuMs,
      disk_read_bytes: run.usage.diskReadBytes,
      disk_written_bytes: run.usage.diskWrittenBytes,
    },
    deadline: iso(buildRunDeadline(run)),
    cancel_requested_at: iso(run.cancelRequestedAt),
    cancel: run.cancelRequestedAt && {
      requested_at: iso(run.cancelRequestedAt),
      by: run.cancelRequestedBy,
      reason: run.cancelReason,
    },
    waiting: presentWaiting(waiting),
    created_by: run.createdBy,
    created_at: iso(run.createdAt),
    started_at: iso(run.startedAt),
    completed_at: iso(run.completedAt),
  };
}

export function presentStep(step: BuildStep): contract.BuildStep {
  const { startedAt, completedAt } = step;
  return {
    service: step.service,
    attempt: step.attempt,
    index: step.index,
    name: step.name,
    state: step.state,
    cached: step.state === 'cached',
    cache_reason: step.cacheReason,
    error: step.error,
    started_at: iso(startedAt),
    completed_at: iso(completedAt),
    duration_ms: startedAt && completedAt ? completedAt.getTime() - startedAt.getTime() : null,
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
