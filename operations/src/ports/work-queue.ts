import type { OrganisationId, ProjectId, WorkId } from '@eve/domain';

/** Lanes are (tenant, class); `control` is not counted against any limit. */
export type WorkClass = 'build' | 'deploy' | 'control';

/** Classes whose work together can be limited. */
export type LimitedClass = Exclude<WorkClass, 'control'>;

export type WorkKind = 'execute-build-run' | 'execute-deploy' | 'retire-instances' | 'advance-pipeline-run';

/** Something to be done about a record. It carries the record's id, never a copy of its state. */
export interface WorkItem {
  readonly kind: WorkKind;
  /** The id of the record the work is about. */
  readonly id: string;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly class: WorkClass;
  /** Of the payload's shape, so that a later release knows what it reads. Now 1. */
  readonly version: number;
  /** Higher first; 0 unless said. */
  readonly priority?: number;
  /** At most one piece of work with the same key runs at a time, such as `env_…`. */
  readonly exclusiveKey?: string;
}

/** The right to carry out one piece of work, until it ends or the lease is lost. */
export interface Lease {
  readonly workId: WorkId;
  /** Rises with every claim of the same work; acts and writes of an older one are refused. */
  readonly fence: number;
}

export interface ClaimedWork extends WorkItem {
  readonly lease: Lease;
  readonly attempt: number;
}

export type WaitingReason =
  | 'tenant_limit'
  | 'builder_capacity'
  | 'lock'
  | 'warm'
  | 'approval'
  | 'retry_delay'
  | 'free_worker';

export interface QueuePosition {
  readonly reason: WaitingReason;
  /** Among what the tenant has in this class, its projects taking turns; 1 is next. */
  readonly position: number;
  /** When it is queued again; only of what waits for a time. */
  readonly runAt?: Date;
}

/** Work that has not ended, as lists show it. */
export interface QueuedWork {
  readonly workId: WorkId;
  readonly kind: WorkKind;
  /** The id of the record the work is about. */
  readonly id: string;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly class: WorkClass;
  readonly state: 'queued' | 'waiting' | 'running';
  /** Why it does not run; null while it runs. */
  readonly reason: WaitingReason | null;
  /** Within its class among all that the list is about, tenants and projects taking turns; 1 is next, null while it runs. */
  readonly position: number | null;
  readonly priority: number;
  readonly attempt: number;
  readonly createdAt: Date;
  /** Since when it is in its state. */
  readonly since: Date;
  /** When a delay ends; in the past for what is not delayed. */
  readonly runAt: Date;
  /** Who carries it out; null unless it runs. */
  readonly worker: string | null;
}

/** How much of a tenant's work of a class may run, and does; `max` null: not limited. */
export interface LaneState {
  readonly tenantId: OrganisationId;
  readonly class: WorkClass;
  readonly max: number | null;
  readonly running: number;
  readonly queued: number;
  readonly waiting: number;
}

/** How much of all tenants' work of a class may run together. */
export interface CapacityState {
  readonly class: LimitedClass;
  readonly max: number;
  readonly running: number;
}

/** A page of the queue: what runs first, then what is queued in the order of its turns, then what waits for its time. */
export interface QueuePage {
  readonly items: readonly QueuedWork[];
  /** A place, not a work: while the queue moves, a work may be on two pages or on none. */
  readonly nextCursor: string | null;
  readonly lanes: readonly LaneState[];
  readonly capacities: readonly CapacityState[];
}

/** The part of the queue that takes part in a transaction with the records. */
export interface QueueRecords {
  /** Adds work; one live (queued, waiting or running) item per (kind, id): a second add makes a queued one run now, or a running one run again. */
  add(item: WorkItem): Promise<void>;
  /** Ends the work and frees its slot. Throws `lease_lost` when the lease no longer holds. */
  settle(lease: Lease): Promise<void>;
  /** Gives the work back and frees its slot; it is queued again after the delay (milliseconds). Throws `lease_lost`. */
  requeue(lease: Lease, delayMs: number, reason: WaitingReason): Promise<void>;
  /** Asks for an end: queued work is removed (`removed`), running work is told through its heartbeat (`signalled`). */
  cancel(kind: WorkKind, id: string): Promise<'removed' | 'signalled' | 'none'>;
  /** Sets the limit of a lane: how many of a tenant's works of a class run at once. */
  setLane(tenantId: OrganisationId, workClass: WorkClass, max: number): Promise<void>;
}

/** The queue as workers see it. */
export interface WorkQueue {
  /** Takes the next piece of work of these classes, fair between tenants and between one tenant's projects; null when there is none that may start. `more` says that work is queued which could not be taken this time. */
  claim(options: {
    worker: string;
    classes: readonly WorkClass[];
    leaseMs: number;
  }): Promise<{ work: ClaimedWork | null; more: boolean }>;
  /** Holds leases alive from a thread and connection of its own. */
  heartbeats(options: { leaseMs: number }): Promise<Heartbeats>;
  /** Queues delayed work whose time has come and frees work whose lease ran out. Returns how many became runnable. */
  sweep(options: { leaseMs: number }): Promise<number>;
  position(kind: WorkKind, id: string): Promise<QueuePosition | null>;
  /** What has not ended of a tenant, or of all (null) for an operator; at most 100 at once. */
  list(
    tenantId: OrganisationId | null,
    page: { classes: readonly WorkClass[]; limit: number; cursor?: string },
  ): Promise<QueuePage>;
  /** Sets what all tenants together may run of a class; null: as much as their lanes allow. */
  setCapacity(workClass: LimitedClass, max: number | null): Promise<void>;
  /** Yields when work may have become runnable: a hint, coalesced; ends with the signal. */
  wakes(signal: AbortSignal): AsyncIterable<void>;
}

export interface Heartbeats extends AsyncDisposable {
  /** Keeps a lease; `lost` is called when it is gone, also by the holder's own monotonic clock unless the database is down for everybody, `cancelled` when an end was asked for. */
  hold(lease: Lease, on: { lost(): void; cancelled(): void }): Disposable;
}
