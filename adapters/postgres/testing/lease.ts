import type { OrganisationId, ProjectId } from '@eve/domain';
import type { Lease, WorkKind } from '@eve/operations';
import { claim } from '../src/queue-claim.ts';
import type { TestDatabase } from './index.ts';

/** Queues work about a record and takes it, as a worker does. Only for databases where nothing else is queued. */
export async function leaseFor(
  { store, database }: Pick<TestDatabase, 'store' | 'database'>,
  kind: WorkKind,
  { id, tenantId, projectId }: { id: string; tenantId: OrganisationId; projectId: ProjectId },
): Promise<Lease> {
  const workClass = kind === 'execute-build-run' ? 'build' : kind === 'execute-deploy' ? 'deploy' : 'control';
  await store.queue.add({ kind, id, tenantId, projectId, class: workClass, version: 1, priority: 1000 });
  const { work } = await claim(database, { worker: 'test', classes: [workClass], leaseMs: 60_000 });
  if (work?.id !== id) throw new Error(`The work about ${id} could not be taken.`);
  return work.lease;
}

/** Lets the lease of a work run out, as if its worker had been gone for long. */
export async function expireLease({ database }: Pick<TestDatabase, 'database'>, { workId }: Lease): Promise<void> {
  await database.sql`update work set leased_until = now() - interval '1 second' where id = ${workId}`;
}
