/** The seed's six codes, and our own outage. They tell phase and exit cause, not words found in the output. */
export type BuildFailureCode =
  | 'auth_error'
  | 'clone_error'
  | 'build_error'
  | 'timeout_error'
  | 'resource_error'
  | 'registry_error'
  | 'infrastructure_error';

/** Where in its way a build failed; with the exit cause it decides the code. */
export type BuildFailurePhase = 'queue' | 'prepare' | 'source' | 'plan' | 'build' | 'test' | 'push' | 'record';

/** Causes that pass by themselves (builderd seed): only these are tried again, under the spec's retry policy. */
export type RetryClass = 'network' | 'temporary_resource' | 'registry_rate_limit';

/** Why a build failed, recorded with the run and shown as it is. */
export interface BuildFailure {
  readonly code: BuildFailureCode;
  readonly phase: BuildFailurePhase | null;
  /** In the seed's form for a failing step: `… failed with exit code N at [stage k/n] INSTRUCTION`. */
  readonly message: string;
  readonly service: string | null;
  /** The failing Dockerfile step, such as `[deps 3/3] RUN npm ci`. */
  readonly step: string | null;
  /** The last lines of that step, at most 30. */
  readonly tail: readonly string[];
  readonly hint: string;
  readonly retryHelps: boolean;
  /** Null: trying again by itself is not worth it. */
  readonly retryClass: RetryClass | null;
}

const hints: Record<BuildFailureCode, string> = {
  auth_error:
    'Check the credentials with `eve secrets list`: REGISTRY_USERNAME and REGISTRY_PASSWORD (or GHCR_USERNAME and GHCR_TOKEN) for registries, GITHUB_TOKEN for repositories.',
  clone_error:
    'Check the repository URL and that the commit is pushed; set GITHUB_TOKEN for a private repository, or use --repo-dir.',
  build_error: 'Read the failing step in `eve build logs`; run the same step on your machine with `docker build`.',
  timeout_error: 'Raise `build.timeout` in the manifest, or make the build faster.',
  resource_error: 'Free disk or memory on the builder, or raise the limits of the build.',
  registry_error: 'Check that the registry is reachable and that its namespace exists and may be pushed to.',
  infrastructure_error: 'Nothing is wrong with your code: the builder was lost. Start the build again.',
};

/** A failure with the code's standard hint, unless a better one is given. */
export function buildFailure(
  code: BuildFailureCode,
  message: string,
  more: Partial<Pick<BuildFailure, 'phase' | 'service' | 'step' | 'tail' | 'hint' | 'retryClass'>> = {},
): BuildFailure {
  return {
    code,
    phase: more.phase ?? null,
    message,
    service: more.service ?? null,
    step: more.step ?? null,
    tail: (more.tail ?? []).slice(-30),
    hint: more.hint ?? hints[code],
    retryHelps: code === 'infrastructure_error' || Boolean(more.retryClass),
    retryClass: more.retryClass ?? null,
  };
}

/** The seed's text form: the message, then the last lines under their count. */
export function formatBuildFailure({ message, tail }: Pick<BuildFailure, 'message' | 'tail'>): string {
  return tail.length === 0 ? message : [message, `--- Last ${tail.length} lines ---`, ...tail].join('\n');
}

/** Thrown inside the executing operation and by engines and sources; carries the failure to the record. */
export class BuildFailed extends Error {
  override readonly name = 'BuildFailed';
  readonly failure: BuildFailure;

  constructor(failure: BuildFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}
