import type { OrganisationId, ProjectId } from '@eve/domain';
import type { ClaimedWork, QueueRecords, WorkQueue } from '@eve/operations';
import type { Pool } from '../src/connection.ts';

/** Queues builds of a tenant in one statement: as many as nobody wants to add one by one. */
export async function fillQueue(
  pool: Pool,
  { tenantId, projectId }: { tenantId: OrganisationId; projectId: ProjectId },
  count: number,
): Promise<void> {
  await pool.query(
    `insert into work (id, kind, subject_id, tenant_id, project_id, class, version)
     select 'work_' || $1 || n, 'execute-build-run', 'brun_' || $1 || n, $1, $2, 'build', 1
     from generate_series(1, $3::integer) n`,
    [tenantId, projectId, count],
  );
}

/** Three workers that start builds and end them in any order, until so many were started. Answers with the times of their claims. */
export async function simulateQueue(
  { queue, records }: { queue: WorkQueue; records: QueueRecords },
  { starts, runningAtOnce }: { starts: number; runningAtOnce: number },
): Promise<number[]> {
  const open: ClaimedWork[] = [];
  const times: number[] = [];
  async function worker(name: string): Promise<void> {
    while (times.length < starts) {
      const began = performance.now();
      const { work } = await queue.claim({ worker: name, classes: ['build'], leaseMs: 600_000 });
      if (work) {
        times.push(performance.now() - began);
        open.push(work);
      }
      if (work && open.length < runningAtOnce) continue;
      const [ended] = open.splice(Math.floor(Math.random() * open.length), 1);
      if (ended) await records.settle(ended.lease);
    }
  }
  await Promise.all(['one', 'two', 'three'].map(worker));
  for (const { lease } of open) await records.settle(lease);
  return times;
}
