import type { BuildInputs, BuildSpec, RetryPolicy } from '@eve/domain';
import type { ListedBuild, LogLine } from '@eve/operations';
import type * as contract from '../contract/index.ts';
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

export function presentListedBuild({ lastStatus, ...spec }: ListedBuild): contract.ListedBuild {
  return { ...presentBuildSpec(spec), last_status: lastStatus };
}

function presentInputs({
  forceRebuild,
  tag,
  buildArgs,
  platforms,
  timeoutMs,
  retryPolicy,
}: BuildInputs): contract.BuildInputs {
  return {
    ...(forceRebuild !== undefined && { force_rebuild: forceRebuild }),
    ...(tag !== undefined && { tag }),
    ...(buildArgs !== undefined && { build_args: { ...buildArgs } }),
    ...(platforms !== undefined && { platforms: [...platforms] }),
    ...(timeoutMs !== undefined && { timeout: duration(timeoutMs) }),
    ...(retryPolicy !== undefined && { retry_policy: presentRetryPolicy(retryPolicy) }),
  };
}

function presentRetryPolicy({ maxRetries, initialDelayMs, maxDelayMs }: RetryPolicy): contract.RetryPolicy {
  return {
    ...(maxRetries !== undefined && { max_retries: maxRetries }),
    ...(initialDelayMs !== undefined && { initial_delay: duration(initialDelayMs) }),
    ...(maxDelayMs !== undefined && { max_delay: duration(maxDelayMs) }),
  };
}

/** In the form in which it is taken: seconds where they are whole. */
function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
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
