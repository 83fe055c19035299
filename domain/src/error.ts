/** What a caller can do about an error; each protocol maps kinds to its own answers in one file. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'exhausted'
  | 'unavailable';

/** Stable codes, part of the public API: add and deprecate, never rename. */
export const errorKinds = {
  request_invalid: 'invalid',
  body_invalid: 'invalid',
  manifest_invalid: 'invalid',
  manifest_missing: 'invalid',
  manifest_hash_unknown: 'invalid',
  manifest_hash_mismatch: 'invalid',
  service_unknown: 'invalid',
  secret_missing: 'invalid',
  secret_name_invalid: 'invalid',
  source_refused: 'invalid',
  source_invalid: 'invalid',
  ref_not_found: 'invalid',
  deploy_request_invalid: 'invalid',
  image_unknown: 'invalid',
  digest_mismatch: 'invalid',
  artifacts_missing: 'invalid',
  engine_capability_missing: 'invalid',
  strategy_invalid: 'invalid',
  unauthenticated: 'unauthenticated',
  token_expired: 'unauthenticated',
  caller_forbidden: 'forbidden',
  approval_forbidden: 'forbidden',
  route_not_found: 'not_found',
  organisation_not_found: 'not_found',
  project_not_found: 'not_found',
  manifest_not_found: 'not_found',
  secret_not_found: 'not_found',
  token_not_found: 'not_found',
  build_not_found: 'not_found',
  build_run_not_found: 'not_found',
  service_not_found: 'not_found',
  release_not_found: 'not_found',
  environment_not_found: 'not_found',
  revision_not_found: 'not_found',
  deploy_not_found: 'not_found',
  pipeline_not_found: 'not_found',
  pipeline_run_not_found: 'not_found',
  organisation_exists: 'conflict',
  project_exists: 'conflict',
  environment_exists: 'conflict',
  release_tag_taken: 'conflict',
  release_tag_ambiguous: 'conflict',
  release_ref_mismatch: 'conflict',
  release_blocked: 'conflict',
  release_in_use: 'conflict',
  environment_suspended: 'conflict',
  environment_locked: 'conflict',
  environment_protected: 'conflict',
  configuration_changed: 'conflict',
  deploy_finished: 'conflict',
  deploy_not_waiting: 'conflict',
  state_transition_invalid: 'conflict',
  record_changed: 'conflict',
  lease_lost: 'conflict',
  build_finished: 'conflict',
  build_active: 'conflict',
  build_in_use: 'conflict',
  rollback_target_missing: 'conflict',
  volumes_in_use: 'conflict',
  key_not_rotatable: 'conflict',
  idempotency_key_reused: 'conflict',
  idempotency_in_progress: 'conflict',
  engine_shared: 'conflict',
  cluster_refused: 'conflict',
  host_taken: 'conflict',
  body_too_large: 'exhausted',
  rate_limited: 'exhausted',
  source_unreachable: 'unavailable',
  engine_unavailable: 'unavailable',
  cluster_unreachable: 'unavailable',
  registry_unavailable: 'unavailable',
  database_unavailable: 'unavailable',
  disk_full: 'unavailable',
  storage_unavailable: 'unavailable',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** One wrong field of a request or one wrong line of a document. */
export interface ErrorDetail {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** An answer to a caller: what was wrong, where, and what to do. What goes wrong inside a build or deploy is data. */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { details?: readonly ErrorDetail[] } = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details ?? [];
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}
