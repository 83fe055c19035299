import {
  type AllowedLimits,
  BuildFailed,
  type BuildFailure,
  type BuildFailurePhase,
  buildFailure,
  PlatformError,
  showSeconds,
  type Tier,
  tierLimits,
} from '@eve/domain';

/** What an error inside a build is to its owner; null for an outage or a mistake of ours. */
export function buildFailureOf(error: unknown, phase: BuildFailurePhase): BuildFailure | null {
  if (error instanceof BuildFailed) return { ...error.failure, phase: error.failure.phase ?? phase };
  if (!(error instanceof PlatformError)) return null;
  switch (error.code) {
    case 'source_refused':
    case 'source_invalid':
    case 'ref_not_found':
      return buildFailure('clone_error', error.message, { phase });
    case 'source_unreachable':
      return buildFailure('clone_error', error.message, { phase, retryClass: 'network' });
    case 'registry_unavailable':
      return buildFailure('registry_error', error.message, { phase, retryClass: 'network' });
    case 'disk_full':
      return buildFailure('resource_error', error.message, { phase, retryClass: 'temporary_resource' });
    case 'engine_unavailable':
      return buildFailure('infrastructure_error', error.message, { phase });
    default:
      return error.kind === 'invalid' ? buildFailure('build_error', error.message, { phase }) : null;
  }
}

/** The failure of a run that waited longer for its start than it may. */
export function queueTimeout(limitMs: number): BuildFailure {
  const limit = showSeconds(limitMs);
  return buildFailure('timeout_error', `The build did not start within ${limit}.`, {
    phase: 'queue',
    hint: `EVE_BUILD_QUEUE_TIMEOUT is ${limit}, which the operator may raise. \`eve queue list\` tells what builds wait for: a free slot of the tier, or a free builder.`,
  });
}

/** The failure of a run whose source, secrets and plan were not ready in time. */
export function prepareTimeout(limitMs: number): BuildFailure {
  const limit = showSeconds(limitMs);
  return buildFailure('timeout_error', `The build was not prepared within ${limit}.`, {
    phase: 'prepare',
    hint: `EVE_BUILD_PREPARE_TIMEOUT is ${limit}, which the operator may raise: it covers fetching the source, secrets and planning. A smaller repository is fetched faster.`,
  });
}

/** The failure of a build that took longer than it may. */
export function buildTimeout({ run: { timeoutMs } }: AllowedLimits, tier: Tier): BuildFailure {
  const limit = showSeconds(timeoutMs);
  const ceiling = tierLimits[tier].buildTimeoutMs;
  const remedy =
    timeoutMs < ceiling
      ? `build.timeout in the manifest, or --timeout, may be up to ${showSeconds(ceiling)} in the tier ${tier}`
      : `which is the most that the tier ${tier} allows: make the build faster, or change the tier`;
  return buildFailure('timeout_error', `The build did not end within ${limit}.`, {
    phase: 'build',
    hint: `The limit of this build (build.timeout) is ${limit}${timeoutMs < ceiling ? ':' : ','} ${remedy}.`,
  });
}
