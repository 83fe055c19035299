import { PlatformError } from '@eve/domain';
import type { Refusal } from './cluster.ts';

/** What the API server answers instead of an object: metav1.Status, as far as we read it. */
export interface Status {
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  /** Of the answer's header. */
  readonly retryAfterMs?: number;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

/** A field that somebody else has applied, such as `.spec.replicas` of `kubectl-client-side-apply`. */
export interface FieldConflict {
  readonly manager: string;
  readonly field: string;
}

/** A right that is missing. */
export interface MissingRight {
  readonly user: string;
  readonly verb: string;
  /** With its subresource, such as `pods/exec`. */
  readonly resource: string;
  readonly group: string;
  /** Null: in the whole cluster. */
  readonly namespace: string | null;
}

/** The API server answered, and said no. */
export class ClusterRefused extends PlatformError {
  readonly refusal: Refusal;
  /** The HTTP status. */
  readonly status: number;
  /** Of `field_conflict`. */
  readonly conflicts: readonly FieldConflict[];
  /** Of `no_rights`, where the API server tells. */
  readonly right: MissingRight | null;

  constructor(
    refusal: Refusal,
    message: string,
    about: { status?: number; conflicts?: readonly FieldConflict[]; right?: MissingRight | null } = {},
  ) {
    super('cluster_refused', message);
    this.refusal = refusal;
    this.status = about.status ?? 0;
    this.conflicts = about.conflicts ?? [];
    this.right = about.right ?? null;
  }
}

/** Whether an error is the API server's answer, and for one of these reasons. */
export function isRefused(error: unknown, ...refusals: readonly Refusal[]): error is ClusterRefused {
  return error instanceof ClusterRefused && (refusals.length === 0 || refusals.includes(error.refusal));
}

/** That the API server, or what it asks for us, does not answer: it is worth trying again. */
export function unreachable(server: string, why: string, cause?: unknown): PlatformError {
  return new PlatformError('cluster_unreachable', `The Kubernetes API server at ${server} did not answer: ${why}.`, {
    cause,
  });
}

/** The API server asks to come again later. */
export class ClusterBusy extends PlatformError {
  readonly retryAfterMs: number;

  constructor(server: string, said: string, retryAfterMs: number) {
    super('cluster_unreachable', `The Kubernetes API server at ${server} is asked too much: ${sentence(said)}`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The error for an answer that is no success. `act` completes "Kubernetes refused to …". */
export function refusalOf(code: number, status: Status, act: string, server: string): PlatformError {
  const said = (status.message ?? '').trim() || `it answered ${code}`;
  const refused = (refusal: Refusal, why = said, more: { conflicts?: FieldConflict[]; right?: MissingRight } = {}) =>
    new ClusterRefused(refusal, `Kubernetes refused to ${act}: ${sentence(why)}`, { status: code, ...more });

  if (/admission webhook "[^"]*" denied|ValidatingAdmissionPolicy '[^']*'/.test(said))
    return refused('admission_refused');
  // A webhook that does not answer is no outage of the API server, and may stay so.
  if (/failed calling webhook/.test(said)) return refused('admission_refused');
  const quotaOrPlugin = code === 403 ? forbiddenBecause(said, status) : null;
  if (quotaOrPlugin) return refused(quotaOrPlugin);
  switch (code) {
    case 401:
      return refused('no_rights', 'it does not accept the credentials that Eve has');
    case 403: {
      const right = missingRight(said);
      return right ? refused('no_rights', describeRight(right), { right }) : refused('admission_refused');
    }
    case 404:
      return refused('not_found');
    case 409: {
      const conflicts = fieldConflicts(status);
      if (conflicts.length > 0) return refused('field_conflict', describeConflicts(conflicts), { conflicts });
      if (status.reason !== 'AlreadyExists') return refused('conflict');
      return refused(/object is being deleted: namespaces /.test(said) ? 'namespace_terminating' : 'exists');
    }
    case 410:
      return refused('conflict');
    case 429:
      return new ClusterBusy(server, said, status.retryAfterMs ?? 0);
  }
  // A mistake of ours, for which it has no better status.
  if (code < 500 || /field not declared in schema|failed to create typed patch object/.test(said))
    return refused('invalid');
  return new PlatformError(
    'cluster_unreachable',
    `The Kubernetes API server at ${server} could not ${act}: ${sentence(said)}`,
  );
}

function forbiddenBecause(said: string, { details }: Status): Refusal | null {
  if (/exceeded quota: |failed quota: |insufficient quota/.test(said)) return 'quota_exceeded';
  const terminating = details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating');
  if (terminating || /because it is being terminated/.test(said)) return 'namespace_terminating';
  return /violates PodSecurity/.test(said) ? 'admission_refused' : null;
}

const cannot =
  /User "([^"]*)" cannot (\S+) (?:resource|path) "([^"]*)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]*)")?/;

/** The right whose lack the API server names in its message, or null when it was about something else. */
export function missingRight(message: string): MissingRight | null {
  const [, user, verb, resource, group = '', namespace = null] = cannot.exec(message) ?? [];
  return user === undefined || !verb || !resource ? null : { user, verb, resource, group, namespace };
}

/** Such as `"system:serviceaccount:eve:eve" lacks the right to create deployments (apps) in namespace shop`. */
export function describeRight({
  user,
  verb,
  resource,
  group,
  namespace,
}: Omit<MissingRight, 'user'> & { user?: string }) {
  const where = namespace === null ? 'in the whole cluster' : `in namespace ${namespace}`;
  const who = user === undefined ? 'Eve' : `"${user}"`;
  return `${who} lacks the right to ${verb} ${resource}${group ? ` (${group})` : ''} ${where}`;
}

function fieldConflicts({ details }: Status): FieldConflict[] {
  return (details?.causes ?? [])
    .filter(({ reason }) => reason === 'FieldManagerConflict')
    .map(({ message = '', field = '' }) => ({
      manager: /conflict with "([^"]*)"/.exec(message)?.[1] ?? message,
      field,
    }));
}

function describeConflicts(conflicts: readonly FieldConflict[]): string {
  const byManager = Map.groupBy(conflicts, ({ manager }) => manager);
  return [...byManager]
    .map(([manager, theirs]) => `"${manager}" owns ${theirs.map(({ field }) => field).join(', ')}`)
    .join('; ');
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
