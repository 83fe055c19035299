import type {
  CanaryRequest,
  ConfigVersion,
  ConfigVersionId,
  Deploy,
  DeployId,
  DeployStatus,
  Drift,
  Environment,
  EnvironmentId,
  OrganisationId,
  ProjectId,
  Revision,
  RevisionId,
} from '@eve/domain';
import type {
  BoardRecord,
  Change,
  DeployFilter,
  Endpoint,
  InstanceLog,
  Listed,
  Page,
  ServiceAddress,
  ServiceHost,
} from './stored.ts';
import type { Lease } from './work-queue.ts';

/** Records of the run stage: environments, and what is brought to them. */
export interface RunRecords {
  readonly environments: {
    insert(environment: Environment): Promise<void>;
    get(tenantId: OrganisationId, id: EnvironmentId): Promise<Environment>;
    findByName(tenantId: OrganisationId, projectId: ProjectId, name: string): Promise<Environment | null>;
    list(tenantId: OrganisationId, projectId: ProjectId, page: Page): Promise<Listed<Environment>>;
    /** As get, and nobody else changes it, or queues a deploy in it, until the transaction ends. */
    getForChange(tenantId: OrganisationId, id: EnvironmentId): Promise<Environment>;
    /** What runs where, of a project or of all the tenant's: newest first. */
    board(
      tenantId: OrganisationId,
      filter: { readonly projectId?: ProjectId; readonly environmentId?: EnvironmentId },
      page: Page,
    ): Promise<Listed<BoardRecord>>;
    /** Writes only what is given: others may change the rest at the same time. */
    update(
      change: Pick<Environment, 'id' | 'tenantId'> &
        Partial<
          Pick<
            Environment,
            'kind' | 'status' | 'suspendedReason' | 'settings' | 'lock' | 'currentRevisionId' | 'lastDeployId'
          >
        >,
    ): Promise<void>;
    delete(tenantId: OrganisationId, id: EnvironmentId): Promise<void>;
    /** Whether there is, of any tenant, no environment of this id: not yet, or not any more. */
    isGone(id: EnvironmentId): Promise<boolean>;
    all(): Promise<readonly Environment[]>;
  };
  readonly configVersions: {
    /** Numbers and stores the next version of the environment. */
    insert(version: Omit<ConfigVersion, 'number'>): Promise<ConfigVersion>;
    get(tenantId: OrganisationId, id: ConfigVersionId): Promise<ConfigVersion>;
    findByNumber(tenantId: OrganisationId, environmentId: EnvironmentId, number: number): Promise<ConfigVersion | null>;
    latest(tenantId: OrganisationId, environmentId: EnvironmentId): Promise<ConfigVersion | null>;
    list(tenantId: OrganisationId, environmentId: EnvironmentId, page: Page): Promise<Listed<ConfigVersion>>;
  };
  readonly revisions: {
    /** Numbers and stores the next revision of the environment. */
    insert(revision: Omit<Revision, 'number'>): Promise<Revision>;
    get(tenantId: OrganisationId, id: RevisionId): Promise<Revision>;
    findByNumber(tenantId: OrganisationId, environmentId: EnvironmentId, number: number): Promise<Revision | null>;
    list(tenantId: OrganisationId, environmentId: EnvironmentId, page: Page): Promise<Listed<Revision>>;
  };
  readonly deploys: {
    insert(deploy: Deploy): Promise<void>;
    get(tenantId: OrganisationId, id: DeployId): Promise<Deploy>;
    /** As `get`, and nobody changes it until the transaction ends: neither a cancel nor another state comes between. */
    getForChange(tenantId: OrganisationId, id: DeployId): Promise<Deploy>;
    update(deploy: Deploy, change: Change<DeployStatus>): Promise<void>;
    /** Phase, canary, release commands and why it is being given back: what the executing deploy tells on its way; no transition is written. */
    setPhase(deploy: Deploy, lease: Lease): Promise<void>;
    requestCancel(tenantId: OrganisationId, id: DeployId, by: string, at: Date, reason?: string): Promise<Deploy>;
    /** What is asked of a canary; null once the executing deploy has taken it up. */
    setCanaryRequest(tenantId: OrganisationId, id: DeployId, request: CanaryRequest | null): Promise<void>;
    /** Only of one that still waits; throws `record_changed` otherwise. */
    approve(tenantId: OrganisationId, id: DeployId, by: string, at: Date): Promise<Deploy>;
    /** The one under way in an environment, if any. */
    active(tenantId: OrganisationId, environmentId: EnvironmentId): Promise<Deploy | null>;
    list(
      tenantId: OrganisationId,
      environmentId: EnvironmentId,
      page: Page & { status?: DeployStatus },
    ): Promise<Listed<Deploy>>;
    /** Newest first. */
    listOfProject(tenantId: OrganisationId, projectId: ProjectId, page: Page & DeployFilter): Promise<Listed<Deploy>>;
    /** Waiting ones of the environment, oldest first. */
    pending(tenantId: OrganisationId, environmentId: EnvironmentId): Promise<readonly Deploy[]>;
    /** The deploys of some revisions, oldest first. */
    ofRevisions(tenantId: OrganisationId, revisions: readonly RevisionId[]): Promise<readonly Deploy[]>;
    /** The newest healthy deploy of the environment whose revision is not the given one. */
    previousHealthy(
      tenantId: OrganisationId,
      environmentId: EnvironmentId,
      not: RevisionId | null,
    ): Promise<Deploy | null>;
    unfinished(): Promise<readonly Deploy[]>;
    /** Whether a deploy of any tenant has ended; false when there is none. */
    hasEnded(id: DeployId): Promise<boolean>;
  };
  readonly endpoints: {
    upsert(endpoint: Endpoint, lease: Lease): Promise<void>;
    /** In one statement: the given instances serve with these weights (1 to 256), all others of the environment that served drain. */
    switchTo(
      tenantId: OrganisationId,
      environmentId: EnvironmentId,
      weights: Readonly<Record<string, number>>,
      lease: Lease,
    ): Promise<void>;
    /** Those of these instances that drain are kept warm instead until then. */
    keepWarm(
      tenantId: OrganisationId,
      environmentId: EnvironmentId,
      instances: readonly string[],
      until: Date,
      lease: Lease,
    ): Promise<void>;
    removeInstances(
      tenantId: OrganisationId,
      environmentId: EnvironmentId,
      instances: readonly string[],
      lease: Lease | null,
    ): Promise<void>;
    listOfEnvironment(tenantId: OrganisationId, environmentId: EnvironmentId): Promise<readonly Endpoint[]>;
    /** Takes the next version of the routing table, for every change. */
    nextRoutingVersion(): Promise<number>;
    /** The version that was taken last; 0 before the first. */
    routingVersion(): Promise<number>;
    listAll(): Promise<readonly Endpoint[]>;
  };
  readonly drifts: {
    /** The one that lasts, if any. */
    current(tenantId: OrganisationId, environmentId: EnvironmentId): Promise<Drift | null>;
    /** All that last, over all tenants. */
    lasting(): Promise<readonly Drift[]>;
    /** Writes a new one, or what is seen of the one that lasts; one that lasts at most per environment. */
    put(drift: Drift): Promise<void>;
    list(tenantId: OrganisationId, environmentId: EnvironmentId, page: Page): Promise<Listed<Drift>>;
  };
  readonly instanceLogs: {
    insert(log: InstanceLog): Promise<void>;
    /** Oldest first; those whose lines reach beyond `since`, of one service or all. */
    list(
      tenantId: OrganisationId,
      environmentId: EnvironmentId,
      filter: { readonly service?: string; readonly since?: Date },
    ): Promise<readonly InstanceLog[]>;
    /** Those archived before a time, over all tenants; at most `limit`. */
    older(before: Date, limit: number): Promise<readonly InstanceLog[]>;
    delete(key: string): Promise<void>;
  };
  readonly addresses: {
    /** The port given once; takes the wanted one, or the first free from `from` on. Throws PlatformError `request_invalid` naming the holder when the wanted one is taken. */
    allocate(
      address: Omit<ServiceAddress, 'port' | 'host'>,
      wanted: number | null,
      from: number,
      unusable: readonly number[],
    ): Promise<ServiceAddress>;
    /** Gives an environment's services exactly these hosts. Throws PlatformError `host_taken` when another one has one of them. */
    setHosts(tenantId: OrganisationId, environmentId: EnvironmentId, hosts: readonly ServiceHost[]): Promise<void>;
    listOfEnvironment(tenantId: OrganisationId, environmentId: EnvironmentId): Promise<readonly ServiceAddress[]>;
    listAll(): Promise<readonly ServiceAddress[]>;
  };
}
