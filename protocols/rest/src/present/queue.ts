import type * as contract from '../contract/index.ts';
import type { QueueView } from '../operations.ts';
import { iso } from './time.ts';

export function presentQueue({ items, nextCursor, lanes, capacities }: QueueView, limit: number): contract.Queue {
  return {
    data: items.map(presentEntry),
    pagination: { limit, offset: 0, count: items.length, next_cursor: nextCursor },
    lanes: lanes.map(({ tenantId, class: of, max, running, queued, waiting }) => ({
      org_id: tenantId,
      class: of,
      max,
      running,
      queued,
      waiting,
    })),
    capacities: capacities.map(({ class: of, max, running }) => ({ class: of, max, running })),
  };
}

function presentEntry(work: QueueView['items'][number]): contract.QueueEntry {
  return {
    kind: work.kind,
    class: work.class,
    subject_id: work.id,
    build_id: work.build?.id ?? null,
    build_number: work.build?.number ?? null,
    env_name: work.environment,
    org_id: work.tenantId,
    org: work.organisation,
    project_id: work.projectId,
    project: work.project,
    state: work.state,
    reason: work.reason,
    why: work.why,
    position: work.position,
    priority: work.priority,
    attempt: work.attempt,
    created_at: iso(work.createdAt),
    since: iso(work.since),
    until: work.state === 'waiting' ? iso(work.runAt) : null,
    deadline: iso(work.deadlineAt),
    worker: work.worker,
  };
}
