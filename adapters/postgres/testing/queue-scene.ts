import type { OrganisationId, ProjectId, Tier } from '@eve/domain';
import type { ClaimedWork, QueueRecords, WorkClass, WorkItem, WorkQueue } from '@eve/operations';
import type { Pool } from '../src/connection.ts';
import { createNotifications, type Notifications } from '../src/notifications.ts';
import { workQueue } from '../src/queue.ts';
import { queueRecords } from '../src/queue-records.ts';
import { newId, sampleOrganisation, sampleProject, type TestDatabase, testDatabase } from './index.ts';

/** Who work can be added for. */
export interface Tenant {
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
}

/** A queue on a test database, with tenants made on request. */
export interface QueueScene extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly notifications: Notifications;
  readonly queue: WorkQueue;
  readonly records: QueueRecords;
  tenant(tier?: Tier): Promise<Tenant>;
  project(tenantId: OrganisationId): Promise<Tenant>;
  /** Adds work about a new record and answers with it. */
  add(tenant: Tenant, item?: Partial<WorkItem>): Promise<WorkItem>;
  claim(workClass?: WorkClass, leaseMs?: number): Promise<ClaimedWork | null>;
}

/** Makes a scene; disposing checks that every slot is accounted for. */
export async function queueScene({ pollMs }: { pollMs?: number } = {}): Promise<QueueScene> {
  const db = await testDatabase();
  const notifications = createNotifications(db.pool, { url: db.url });
  const queue = workQueue(db.pool, { url: db.url, notifications, pollMs });
  const records = queueRecords(db.database);

  async function project(tenantId: OrganisationId): Promise<Tenant> {
    const made = sampleProject({ id: tenantId });
    await db.store.projects.insert(made);
    return { tenantId, projectId: made.id };
  }

  return {
    db,
    notifications,
    queue,
    records,
    project,
    async tenant(tier = 'free') {
      const organisation = sampleOrganisation({ tier });
      await db.store.organisations.insert(organisation);
      return project(organisation.id);
    },
    async add(tenant, item = {}) {
      const added: WorkItem = {
        kind: 'execute-build-run',
        id: newId('brun'),
        class: 'build',
        version: 1,
        ...tenant,
        ...item,
      };
      await records.add(added);
      return added;
    },
    async claim(workClass = 'build', leaseMs = 10_000) {
      // A lane that another statement has locked is passed over: come again until there is surely nothing.
      while (true) {
        const { work, more } = await queue.claim({ worker: 'test', classes: [workClass], leaseMs });
        if (work || !more) return work;
      }
    },
    async [Symbol.asyncDispose]() {
      const broken = await miscountedSlots(db.pool);
      await notifications[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      if (broken.length > 0) throw new Error(broken.join('\n'));
    },
  };
}

/** Lanes and capacities whose count is not the number of works that run. */
export async function miscountedSlots(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ lane: string; running: number; counted: number }>(`
    with running as (select * from work where state = 'running' and class <> 'control')
    select tenant_id || ' ' || class as lane, running,
           (select count(*)::integer from running w where w.tenant_id = l.tenant_id and w.class = l.class) as counted
    from lanes l
    union all
    select 'all ' || class, running, (select count(*)::integer from running w where w.class = c.class)
    from capacities c`);
  return rows
    .filter(({ running, counted }) => running !== counted)
    .map(({ lane, running, counted }) => `The lane ${lane} counts ${running} running, but ${counted} run.`);
}
