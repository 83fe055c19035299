import { BuildFailed, type BuildFailure, buildFailure, PlatformError } from '@eve/domain';

/** What an error inside a build is to its owner; null for an outage or a mistake of ours, which is tried again. */
export function buildFailureOf(error: unknown): BuildFailure | null {
  if (error instanceof BuildFailed) return error.failure;
  if (!(error instanceof PlatformError)) return null;
  if (error.code === 'source_refused' || error.code === 'source_invalid' || error.code === 'ref_not_found')
    return buildFailure('clone_error', error.message);
  return error.kind === 'invalid' ? buildFailure('build_error', error.message) : null;
}

/** The failure of a build that took longer than it may. */
export function timeoutFailure({ timeoutMs }: { timeoutMs: number }): BuildFailure {
  const limit = `${Math.round(timeoutMs / 1000)} s`;
  return buildFailure('timeout_error', `The build did not end within ${limit}.`, {
    hint: `The limit is ${limit}: raise build.timeout in the manifest (up to the tier's), or make the build faster.`,
  });
}
