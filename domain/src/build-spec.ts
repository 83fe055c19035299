import type { BuildId, OrganisationId, ProjectId } from './id.ts';

/** Where a build's input comes from; resolved to something that cannot change before it is recorded. */
export type BuildSource =
  | { readonly kind: 'git'; readonly sha: string }
  | { readonly kind: 'archive'; readonly sha256: string }
  | { readonly kind: 'image'; readonly digest: string };

export type BuildTarget = 'image' | 'microvm_rootfs';

/** The immutable input of a build, made once per unique configuration (Eve seed). */
export interface BuildSpec {
  readonly id: BuildId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  /** Gapless per project. */
  readonly number: number;
  readonly source: BuildSource;
  readonly target: BuildTarget;
  /** Null where the source is not git. */
  readonly gitSha: string | null;
  readonly manifestHash: string | null;
  /** Sorted; null means every service that has `build`. */
  readonly services: readonly string[] | null;
  readonly inputs: BuildInputs | null;
  readonly registry: unknown;
  readonly cache: BuildCache | null;
  /** SHA-256 of the canonical JSON of all that shapes the build; unique per project. */
  readonly specKey: string;
  readonly createdBy: string | null;
  readonly createdAt: Date;
}

export interface BuildInputs {
  readonly forceRebuild?: boolean;
  readonly tag?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly platforms?: readonly string[];
  readonly timeoutMs?: number;
  readonly retryPolicy?: RetryPolicy;
}

/** How often and after which delays a failure that passes by itself is tried again. */
export interface RetryPolicy {
  readonly maxRetries?: number;
  readonly initialDelayMs?: number;
  readonly maxDelayMs?: number;
}

/** Each of `from` and `to` is `registry` (the project's own cache repository), `local` (a directory of the project on the builder's machine) or an image reference. */
export interface BuildCache {
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly disabled?: boolean;
}

/** Whether a text names a platform that an image can be for, such as `linux/arm64/v8`. */
export function isPlatform(text: string): boolean {
  return /^[a-z0-9]+\/[a-z0-9_]+(\/v[0-9]+)?$/.test(text);
}

/** The parts of a spec that make it what it is, in the shape that is hashed: key order is the caller's to canonicalise. */
export function specIdentity(
  spec: Pick<BuildSpec, 'source' | 'target' | 'gitSha' | 'manifestHash' | 'services' | 'inputs' | 'registry' | 'cache'>,
): Record<string, unknown> {
  const { source, target, gitSha, manifestHash, services, inputs, registry, cache } = spec;
  return { source, target, gitSha, manifestHash, services, inputs, registry: registry ?? null, cache };
}
