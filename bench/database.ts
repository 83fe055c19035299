import { join } from 'node:path';
import {
  createNotifications,
  createPool,
  database,
  ensureLogPartitions,
  migrate,
  type Notifications,
  type Pool,
  postgresStore,
  queueRecords,
  startEmbeddedPostgres,
  workQueue,
} from '@eve/adapter-postgres';
import { newId, sampleOrganisation, sampleProject } from '@eve/adapter-postgres/testing';
import type { OrganisationId, ProjectId, Tier } from '@eve/domain';
import type { Store, WorkItem, WorkQueue } from '@eve/operations';

/** A database with all migrations on the embedded server, with the settings that an installation has. */
export interface BenchDatabase {
  readonly url: string;
  readonly pool: Pool;
  readonly store: Store;
  readonly queue: WorkQueue;
  readonly notifications: Notifications;
  /** A new organisation with a project; `dedicated` unless said. */
  tenant(tier?: Tier): Promise<{ tenantId: OrganisationId; projectId: ProjectId }>;
  /** A build of a tenant, as it waits in the queue. */
  item(tenant: { tenantId: OrganisationId; projectId: ProjectId }): WorkItem;
}

/** Starts a server for one bench, and stops it after. */
export async function withDatabase<Result>(
  directory: string,
  act: (place: BenchDatabase) => Promise<Result>,
): Promise<Result> {
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const dataDir = join(directory, 'bench-postgres', newId('work'));
  const server = await startEmbeddedPostgres({ dataDir, port: null, log });
  const pool = createPool({ url: server.url });
  try {
    await migrate(pool);
    await ensureLogPartitions(pool, { at: new Date() });
    const notifications = createNotifications(pool, { url: server.url });
    const store = postgresStore(database(pool), queueRecords);
    const queue = workQueue(pool, { url: server.url, notifications });
    const result = await act({
      url: server.url,
      pool,
      store,
      queue,
      notifications,
      async tenant(tier = 'dedicated') {
        const organisation = sampleOrganisation({ tier });
        const project = sampleProject(organisation);
        await store.organisations.insert(organisation);
        await store.projects.insert(project);
        return { tenantId: organisation.id, projectId: project.id };
      },
      item: (tenant) => ({ kind: 'execute-build-run', id: newId('brun'), class: 'build', version: 1, ...tenant }),
    });
    await notifications[Symbol.asyncDispose]();
    return result;
  } finally {
    await pool.end();
    await server.stop();
  }
}
