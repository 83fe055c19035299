import type { Records, TransitionRecord } from '@eve/operations';
import type { Database } from './connection.ts';
import { raw } from './sql.ts';
import { changedChannel } from './state-change.ts';

const columns = raw(
  'sequence, tenant_id as "tenantId", subject_kind as "subjectKind", subject_id as "subjectId", from_state as "from", to_state as "to", event, actor, at',
);

/** The history of states. */
export function transitions({ sql }: Database): Records['transitions'] {
  return {
    list: (tenantId, subjectId) => sql<TransitionRecord>`
      select ${columns} from transitions where tenant_id = ${tenantId} and subject_id = ${subjectId} order by sequence`,

    // Sequences are given before they are committed: what a transaction still under way may come before is left
    // for the next time, so that nobody who reads on from a sequence misses one.
    after: (tenantId, sequence, limit) => sql<TransitionRecord>`
      select ${columns} from transitions
      where tenant_id = ${tenantId} and sequence > ${sequence}
        and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
      order by sequence limit ${limit}`,

    async record({ tenantId, subjectKind, subjectId, from, to, event, actor, at }) {
      await sql`
        with logged as (
          insert into transitions (tenant_id, subject_kind, subject_id, from_state, to_state, event, actor, at)
          values (${tenantId}, ${subjectKind}, ${subjectId}, ${from}, ${to}, ${event}, ${actor}, ${at})
          returning subject_id
        )
        select pg_notify(${changedChannel}, subject_id) from logged`;
    },
  };
}
