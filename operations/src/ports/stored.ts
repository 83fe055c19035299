import type {
  BuildRunStatus,
  BuildSpec,
  Deploy,
  DeployCause,
  DeployId,
  DeployStatus,
  Drift,
  Environment,
  EnvironmentId,
  ManifestId,
  OrganisationId,
  ProjectId,
  Release,
  ReleaseId,
} from '@eve/domain';
import type { Lease } from './work-queue.ts';

/** A page of a list, newest first. `cursor` is what the page before gave; `offset` at most 10,000. */
export interface Page {
  readonly limit: number;
  readonly cursor?: string;
  readonly offset?: number;
}

/** What a page holds, and where the next one begins. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** A build in a list. */
export interface ListedBuild extends BuildSpec {
  /** Of its newest run, verifications apart; null before the first. */
  readonly lastStatus: BuildRunStatus | null;
}

/** What goes with a change of state: it is written to the transition history in the same transaction. */
export interface Change<Status extends string> {
  readonly was: Status;
  readonly event: string;
  readonly actor: string;
  /** Of the executing work; the write is refused with `lease_lost` once it is gone. */
  readonly lease: Lease | null;
}

/** A manifest's exact text as synced. The same text may belong to many commits. */
export interface ManifestRecord {
  readonly id: ManifestId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  /** Lower-case hex SHA-256 of the exact bytes. */
  readonly hash: string;
  readonly yaml: string;
  readonly createdAt: Date;
}

/** A manifest's text as it was synced for a commit. */
export interface ManifestSync {
  readonly manifest: ManifestRecord;
  readonly gitSha: string | null;
  readonly branch: string | null;
  readonly syncedAt: Date;
}

/** The history of states: outbox and audit trail. */
export interface TransitionRecord {
  readonly sequence: number;
  readonly tenantId: OrganisationId;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly from: string | null;
  readonly to: string;
  readonly event: string;
  readonly actor: string;
  readonly at: Date;
}

/** An environment with what runs in it, as recorded. */
export interface BoardRecord {
  readonly id: EnvironmentId;
  readonly environment: Environment;
  readonly projectSlug: string;
  readonly revisionNumber: number | null;
  readonly release: BoardRelease | null;
  /** Since when and by whom the current revision serves. */
  readonly since: Date | null;
  readonly by: string | null;
  /** Under way. */
  readonly active: BoardDeploy | null;
  /** The newest that waits: for the one under way, or for an approval. */
  readonly waiting: BoardDeploy | null;
  readonly drift: Drift | null;
  /** The newest release that may run here, has not, and is younger than what serves. */
  readonly newest: BoardRelease | null;
  /** How many such releases there are, at most 100 being counted. */
  readonly behind: number;
}

export type BoardRelease = Pick<Release, 'id' | 'tag' | 'version' | 'gitSha' | 'createdAt'>;
export type BoardDeploy = Pick<
  Deploy,
  'id' | 'status' | 'phase' | 'cause' | 'createdBy' | 'createdAt' | 'startedAt' | 'canary'
>;

/** A loopback port that a service's port was given once. */
export interface ServiceAddress {
  readonly tenantId: OrganisationId;
  readonly environmentId: EnvironmentId;
  readonly service: string;
  readonly containerPort: number;
  readonly protocol: 'http' | 'tcp';
  readonly port: number;
  /** A host name of the user's own; null for most. */
  readonly host: string | null;
}

/** A host name that one service of an environment is reached by. */
export interface ServiceHost {
  readonly service: string;
  readonly containerPort: number;
  readonly host: string;
}

/** Which deploys of a project; everything is optional. */
export interface DeployFilter {
  readonly environmentId?: EnvironmentId;
  readonly status?: DeployStatus;
  readonly cause?: DeployCause;
  readonly createdBy?: string;
  readonly releaseId?: ReleaseId;
  readonly since?: Date;
}

/** Where an instance is reached, as the router must know it. */
export interface Endpoint {
  readonly tenantId: OrganisationId;
  readonly environmentId: EnvironmentId;
  readonly deployId: DeployId;
  readonly service: string;
  readonly instance: string;
  readonly containerPort: number;
  readonly host: string;
  readonly port: number;
  /** `warm`: gets no traffic and is kept for a rollback, until `warmUntil`. */
  readonly state: 'starting' | 'serving' | 'draining' | 'warm';
  /** 0 to 256, against the others of its service while it serves. */
  readonly weight: number;
  readonly warmUntil: Date | null;
}

/** What an instance printed before it was removed, kept as a blob. */
export interface InstanceLog {
  readonly tenantId: OrganisationId;
  readonly environmentId: EnvironmentId;
  readonly service: string;
  readonly instance: string;
  readonly deployId: DeployId;
  readonly from: Date;
  readonly to: Date;
  readonly lines: number;
  /** Of the blob. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly archivedAt: Date;
}

/** An answer kept for a repeated request with the same Idempotency-Key. */
export interface IdempotentAnswer {
  readonly requestHash: string;
  readonly status: number;
  readonly body: string;
}
