import type { BuildId, Garbage, OrganisationId, ProjectId, Release, ReleaseFacts, ReleaseId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';

/** Something that goes, and how. */
export interface Planned {
  readonly garbage: Garbage;
  /** False when it turned out to be needed after all, or had gone. */
  remove(signal: AbortSignal): Promise<boolean>;
}

export interface RetainedProject {
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  /** Its path in the registry that Eve runs: `organisation/project/`. */
  readonly prefix: string;
}

export type RetainedRelease = ReleaseFacts & Pick<Release, 'images' | 'local'>;

/** What retention decides about one project's records. */
export interface ProjectPlan {
  readonly project: RetainedProject;
  readonly releases: {
    readonly deleted: readonly RetainedRelease[];
    readonly retired: readonly RetainedRelease[];
    readonly kept: readonly RetainedRelease[];
  };
  /** Those that a revision which serves or can be restored names. */
  readonly pinned: ReadonlySet<ReleaseId>;
  readonly builds: { readonly deleted: readonly BuildId[]; readonly emptied: readonly BuildId[] };
}

export type RetentionNeeds = Pick<
  Platform,
  | 'store'
  | 'queue'
  | 'logs'
  | 'blobs'
  | 'registry'
  | 'registryLogins'
  | 'registryStorage'
  | 'deployer'
  | 'settings'
  | 'log'
  | 'now'
  | 'newId'
>;

/** Retention itself, acting in a tenant. */
export function retentionCaller(tenantId: OrganisationId, actor: string): Caller {
  return { actor, tenantId, scopes: ['admin'], projectId: null, operator: true };
}
