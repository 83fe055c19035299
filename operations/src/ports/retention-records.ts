import type {
  BuildFacts,
  EnvironmentId,
  OrganisationId,
  ProjectId,
  Release,
  ReleaseFacts,
  ReleaseId,
  RevisionFacts,
} from '@eve/domain';

/** Blobs are named by records of three kinds. */
export type BlobOwner = 'source' | 'log' | 'instance_log';

/** What retention reads of the records. Everything is read over all tenants: only the installation itself asks. */
export interface RetentionRecords {
  /** Every project, with the path that it owns in the registry that Eve runs: `organisation/project/`. */
  projects(): Promise<
    readonly { readonly tenantId: OrganisationId; readonly projectId: ProjectId; readonly prefix: string }[]
  >;
  /** All revisions of a project, or of one environment. */
  revisions(
    tenantId: OrganisationId,
    of: { readonly projectId: ProjectId } | { readonly environmentId: EnvironmentId },
  ): Promise<readonly RevisionFacts[]>;
  releases(
    tenantId: OrganisationId,
    projectId: ProjectId,
  ): Promise<readonly (ReleaseFacts & Pick<Release, 'images' | 'local'>)[]>;
  /** Builds of a project beyond the newest `keep`, oldest first, at most `limit`. */
  builds(
    tenantId: OrganisationId,
    projectId: ProjectId,
    options: { readonly keep: number; readonly limit: number },
  ): Promise<readonly BuildFacts[]>;
  /** Which builds pushed images with these digests. */
  pushedBy(digests: readonly string[]): Promise<readonly { readonly digest: string; readonly buildId: string }[]>;
  /** Where builds pushed images besides the registry that Eve runs: `host/repository`. */
  repositories(): Promise<readonly string[]>;
  /** Holds a release as it is until the transaction ends: no revision is made of it meanwhile. False when it has gone. */
  lockRelease(tenantId: OrganisationId, id: ReleaseId): Promise<boolean>;
  /** Those of some names that a record still needs: `project/sha` of sources, keys of logs. */
  named(owner: BlobOwner, names: readonly string[]): Promise<readonly string[]>;
}

/** What one process of the installation does at a time. */
export type LockName =
  /** Collecting garbage. */
  | 'garbage'
  /** Builds that have not begun wait. */
  | 'build_starts'
  /** Nothing is pushed to the registry that Eve runs, and no release is made. */
  | 'registry_pushes';

/** Locks that outlive a transaction and end by themselves: their holder may have died. */
export interface LockRecords {
  /** Takes a lock for some time, or holds one's own for longer; false while somebody else has it, or had it within `restMs`. */
  take(name: LockName, holder: string, options: { readonly forMs: number; readonly restMs?: number }): Promise<boolean>;
  release(name: LockName, holder: string): Promise<void>;
  /** Whether somebody holds it and how often it was taken; inside a transaction neither changes until that ends. */
  look(name: LockName): Promise<{ readonly held: boolean; readonly times: number }>;
}
