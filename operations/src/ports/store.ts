import type {
  ApiToken,
  BuildArtifact,
  BuildId,
  BuildRun,
  BuildRunId,
  BuildRunStatus,
  BuildSpec,
  BuildStep,
  Organisation,
  OrganisationId,
  PipelineRun,
  PipelineRunId,
  PipelineRunStatus,
  Project,
  ProjectId,
  Release,
  ReleaseBlock,
  ReleaseId,
  Step,
  StepId,
  StepStatus,
  TokenId,
} from '@eve/domain';
import type { LockRecords, RetentionRecords } from './retention-records.ts';
import type { RunRecords } from './run-records.ts';
import type { MasterKeyRecords, SecretRecords } from './secret-records.ts';
import type {
  Change,
  IdempotentAnswer,
  Listed,
  ListedBuild,
  ManifestRecord,
  ManifestSync,
  Page,
  TransitionRecord,
} from './stored.ts';
import type { Lease, QueueRecords } from './work-queue.ts';

/** `find…` answers null; `get` throws the record's not-found error. A record of another tenant is not there. */
export interface Records extends RunRecords {
  readonly organisations: {
    insert(organisation: Organisation): Promise<void>;
    get(id: OrganisationId): Promise<Organisation>;
    findBySlug(slug: string): Promise<Organisation | null>;
    list(page: Page): Promise<Listed<Organisation>>;
    count(): Promise<number>;
  };
  readonly projects: {
    insert(project: Project): Promise<void>;
    update(project: Project): Promise<void>;
    get(tenantId: OrganisationId, id: ProjectId): Promise<Project>;
    findBySlug(tenantId: OrganisationId, slug: string): Promise<Project | null>;
    list(tenantId: OrganisationId, page: Page): Promise<Listed<Project>>;
    countAll(): Promise<number>;
  };
  readonly tokens: {
    insert(token: ApiToken): Promise<void>;
    /** By the hash of the presented text, over all tenants. */
    findByHash(hash: string): Promise<ApiToken | null>;
    get(tenantId: OrganisationId, id: TokenId): Promise<ApiToken>;
    list(tenantId: OrganisationId, page: Page): Promise<Listed<ApiToken>>;
    revoke(tenantId: OrganisationId, id: TokenId, at: Date): Promise<void>;
  };
  readonly manifests: {
    /** Stores the text once per (project, hash) and the sync once per (project, hash, sha); returns the stored record. */
    sync(manifest: ManifestRecord, gitSha: string | null, branch: string | null, at: Date): Promise<ManifestRecord>;
    findByHash(tenantId: OrganisationId, projectId: ProjectId, hash: string): Promise<ManifestRecord | null>;
    /** Every commit that this text was synced for. */
    shasOf(tenantId: OrganisationId, projectId: ProjectId, hash: string): Promise<readonly string[]>;
    findForSha(tenantId: OrganisationId, projectId: ProjectId, gitSha: string): Promise<ManifestRecord | null>;
    /** Of one branch or of all, of one commit or of all. */
    latest(
      tenantId: OrganisationId,
      projectId: ProjectId,
      branch?: string,
      gitSha?: string,
    ): Promise<ManifestSync | null>;
  };
  readonly secrets: SecretRecords;
  readonly masterKeys: MasterKeyRecords;
  readonly buildSpecs: {
    /** Numbers and stores the spec, or returns the one of the project that has its key. */
    insertOrGet(spec: Omit<BuildSpec, 'number'>): Promise<BuildSpec>;
    get(tenantId: OrganisationId, id: BuildId): Promise<BuildSpec>;
    list(
      tenantId: OrganisationId,
      projectId: ProjectId,
      page: Page & { gitSha?: string; status?: BuildRunStatus; service?: string; since?: Date },
    ): Promise<Listed<ListedBuild>>;
    /** Builds of a project beyond the newest `keep` that nothing needs: no release names one of their images, no run of theirs is under way. Oldest first, at most 100. */
    prunable(tenantId: OrganisationId, projectId: ProjectId, keep: number): Promise<readonly BuildId[]>;
    /** Removes the build with its runs, artifacts, steps. Throws `build_in_use` naming the releases, `build_active`. */
    delete(tenantId: OrganisationId, id: BuildId): Promise<void>;
  };
  readonly buildRuns: {
    insert(run: BuildRun): Promise<void>;
    get(tenantId: OrganisationId, id: BuildRunId): Promise<BuildRun>;
    list(tenantId: OrganisationId, buildId: BuildId, page: Page): Promise<Listed<BuildRun>>;
    /** The newest that is no verification. */
    latest(tenantId: OrganisationId, buildId: BuildId): Promise<BuildRun | null>;
    update(run: BuildRun, change: Change<BuildRunStatus>): Promise<void>;
    /** Phase, runner and notes: shown, never decided on; no transition is written. */
    note(run: BuildRun, lease: Lease): Promise<void>;
    requestCancel(tenantId: OrganisationId, id: BuildRunId, by: string, at: Date, reason?: string): Promise<BuildRun>;
    /** The newest completed run of specs equal in source, manifest hash, registry and inputs that shape the image, that covers the services. */
    findReusable(spec: BuildSpec): Promise<BuildRun | null>;
    unfinished(): Promise<readonly BuildRun[]>;
    /** Pending ones whose queue deadline has passed, over all tenants; at most `limit`. */
    overdue(at: Date, limit: number): Promise<readonly BuildRun[]>;
    /** The project's newest completed run that built something (no reuse, no verification) and covers the services, older than the given one. */
    lastCompleted(spec: BuildSpec, before: BuildRunId): Promise<BuildRun | null>;
    /** Whether a run of any tenant has ended; false when there is none. */
    hasEnded(id: BuildRunId): Promise<boolean>;
  };
  readonly buildSteps: {
    /** Writes the steps of one service in one attempt, replacing what was there. */
    put(run: BuildRun, service: string, steps: readonly BuildStep[], lease: Lease): Promise<void>;
    /** All attempts and services in order. */
    listOfRun(tenantId: OrganisationId, runId: BuildRunId): Promise<readonly BuildStep[]>;
  };
  readonly buildArtifacts: {
    /** One per run and service: writing the same again changes nothing. */
    insert(artifact: BuildArtifact, lease: Lease | null): Promise<void>;
    listOfRun(tenantId: OrganisationId, runId: BuildRunId): Promise<readonly BuildArtifact[]>;
    /** Of the newest completed run of the build. */
    listOfBuild(tenantId: OrganisationId, buildId: BuildId): Promise<readonly BuildArtifact[]>;
    /** Artifacts of the newest completed run for a commit and manifest. */
    findComplete(
      tenantId: OrganisationId,
      projectId: ProjectId,
      gitSha: string,
      manifestHash: string,
    ): Promise<{ buildId: BuildId; artifacts: readonly BuildArtifact[] } | null>;
    /** Which of these digests an artifact or a release of the project names. */
    named(tenantId: OrganisationId, projectId: ProjectId, digests: readonly string[]): Promise<readonly string[]>;
    /** The newest artifact per service that carries this tag. */
    findByTag(tenantId: OrganisationId, projectId: ProjectId, tag: string): Promise<readonly BuildArtifact[]>;
    /** Tags of the project's images that begin so, in order; at most 10. */
    tagsBeginning(tenantId: OrganisationId, projectId: ProjectId, beginning: string): Promise<readonly string[]>;
  };
  readonly releases: {
    /** Throws `release_tag_taken` when the project has the tag. */
    insert(release: Release): Promise<void>;
    get(tenantId: OrganisationId, id: ReleaseId): Promise<Release>;
    findByTag(tenantId: OrganisationId, projectId: ProjectId, tag: string): Promise<Release | null>;
    /** Over all projects of the tenant that a tag names. */
    findAllByTag(tenantId: OrganisationId, tag: string): Promise<readonly Release[]>;
    /** One with equal sha, manifest hash and digests. */
    findEqual(
      release: Pick<Release, 'tenantId' | 'projectId' | 'gitSha' | 'manifestHash' | 'images'>,
    ): Promise<Release | null>;
    /** Those that have a version, oldest first. */
    versions(
      tenantId: OrganisationId,
      projectId: ProjectId,
    ): Promise<readonly { readonly version: string; readonly gitSha: string | null }[]>;
    list(
      tenantId: OrganisationId,
      projectId: ProjectId,
      page: Page & {
        readonly gitSha?: string;
        readonly version?: string;
        readonly tag?: string;
        readonly buildId?: BuildId;
        readonly blocked?: boolean;
        readonly since?: Date;
      },
    ): Promise<Listed<Release>>;
    /** Blocks it, or changes the reason. */
    block(tenantId: OrganisationId, block: ReleaseBlock): Promise<void>;
    /** False when it was not blocked. */
    unblock(tenantId: OrganisationId, id: ReleaseId): Promise<boolean>;
    /** Of these releases, the blocks there are. */
    blocks(tenantId: OrganisationId, ids: readonly ReleaseId[]): Promise<readonly ReleaseBlock[]>;
    /** Removes a release that no revision names. Throws `release_in_use` naming the environments. */
    delete(tenantId: OrganisationId, id: ReleaseId): Promise<void>;
    /** Takes the lock under which the next version is counted, until the transaction ends. */
    lockVersions(projectId: ProjectId): Promise<void>;
  };
  readonly pipelineRuns: {
    insert(run: PipelineRun, steps: readonly Step[]): Promise<void>;
    get(tenantId: OrganisationId, id: PipelineRunId): Promise<PipelineRun>;
    steps(tenantId: OrganisationId, id: PipelineRunId): Promise<readonly Step[]>;
    getStep(tenantId: OrganisationId, id: StepId): Promise<Step>;
    /** The running step whose work is done by this record, if any. */
    findStepBySubject(tenantId: OrganisationId, subjectId: string): Promise<Step | null>;
    list(
      tenantId: OrganisationId,
      projectId: ProjectId,
      page: Page & { pipeline?: string; status?: PipelineRunStatus },
    ): Promise<Listed<PipelineRun>>;
    update(run: PipelineRun, change: Change<PipelineRunStatus>): Promise<void>;
    updateStep(step: Step, change: Change<StepStatus>): Promise<void>;
    unfinished(): Promise<readonly PipelineRun[]>;
  };
  readonly transitions: {
    list(tenantId: OrganisationId, subjectId: string): Promise<readonly TransitionRecord[]>;
    /** Events of a tenant after a sequence, oldest first. */
    after(tenantId: OrganisationId, sequence: number, limit: number): Promise<readonly TransitionRecord[]>;
    /** For things that have no state machine (a secret set, a token made); the state pair may be equal. */
    record(entry: Omit<TransitionRecord, 'sequence'>): Promise<void>;
  };
  readonly idempotency: {
    /** Reserves a key for a request: `new`, the kept answer, `running` while the first is under way, `other_body`. Kept 24 h. */
    begin(
      tenantId: OrganisationId,
      route: string,
      key: string,
      requestHash: string,
      at: Date,
    ): Promise<'new' | 'running' | 'other_body' | IdempotentAnswer>;
    finish(tenantId: OrganisationId, route: string, key: string, answer: IdempotentAnswer | null): Promise<void>;
  };
  readonly retention: RetentionRecords;
  readonly locks: LockRecords;
  readonly queue: QueueRecords;
}

/** All records of the installation; inside `transaction` the same records, all or nothing. */
export interface Store extends Records {
  transaction<Result>(act: (records: Records) => Promise<Result>): Promise<Result>;
  /** Whether the database answers. Throws `database_unavailable`. */
  ping(): Promise<void>;
}
