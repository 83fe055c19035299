import type { Logs } from '@eve/operations';
import { logChannel } from './channels.ts';
import { type Database, database, type Pool } from './connection.ts';
import { logFollower } from './log-follower.ts';
import { chunkLines, type LogChunk } from './log-lines.ts';
import { readLog } from './log-reader.ts';
import type { Notifications } from './notifications.ts';
import { leaseHolds, leaseLost } from './queue-records.ts';
import { part, type SqlPart } from './sql.ts';

export interface LogsOptions {
  readonly notifications: Notifications;
  /** How long a missed notification may go unnoticed by followers; 2 s unless said. */
  readonly pollMs?: number;
}

type Subject = Parameters<Logs['append']>[0];

/** What builds and deploys print, in rows of batches. */
export function postgresLogs(pool: Pool, { notifications, pollMs = 2_000 }: LogsOptions): Logs {
  const db = database(pool);
  return {
    async append(subject, lines, lease, cursor) {
      const condition = lease ? leaseHolds(lease) : part`true`;
      const last = await append(db, subject, chunkLines(lines), condition, cursor ?? null);
      if (last === null) {
        if (lease) throw leaseLost(lease);
        throw new Error('A log without a lease was refused.');
      }
      if (lines.length > 0) notifications.send(logChannel, subject.id, `${subject.id} ${last}`);
      return last;
    },
    read: (subject, range) => readLog(db, subject, range),
    follow: logFollower({
      notifications,
      pollMs,
      read: (subject, after) => readLog(db, subject, { after }),
    }),
    async cursor({ tenantId, id }) {
      const [row] = await db.sql<{ cursor: string | null }>`
        select cursor from log_streams where tenant_id = ${tenantId} and subject_id = ${id}`;
      return row?.cursor ?? null;
    },
  };
}

// One statement, and so one transaction: the sequences, the lines, the cursor, and the lease they stand on.
async function append(
  { sql }: Database,
  { tenantId, id }: Subject,
  chunks: readonly LogChunk[],
  condition: SqlPart,
  cursor: string | null,
): Promise<number | null> {
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const [row] = await sql<{ last_sequence: number }>`
    with stream as (
      insert into log_streams as kept (tenant_id, subject_id, last_sequence, cursor, started_at)
      select ${tenantId}, ${id}, ${count}::bigint, ${cursor}::text, now() where ${condition}
      on conflict (tenant_id, subject_id) do update
      set last_sequence = kept.last_sequence + excluded.last_sequence, cursor = coalesce(excluded.cursor, kept.cursor)
      returning last_sequence, started_at
    )${chunks.length > 0 ? chunkRows(tenantId, id, count, chunks) : part``}
    select last_sequence from stream`;
  return row?.last_sequence ?? null;
}

// `at` is never before the stream's start, however the clock was set: reads look for chunks from there on.
function chunkRows(tenantId: string, id: string, count: number, chunks: readonly LogChunk[]): SqlPart {
  let before = 0;
  const rows = chunks.map((chunk) => {
    const row = part`(${before}::integer, ${chunk.count}::integer, ${chunk.steps}::text[], ${chunk.json}::jsonb, ${chunk.bytes}::integer)`;
    before += chunk.count;
    return row;
  });
  const list = rows.reduce((all, row) => part`${all}, ${row}`);
  return part`, chunk as (
      insert into log_chunks (tenant_id, subject_id, first_sequence, count, steps, lines, bytes, at)
      select ${tenantId}, ${id}, last_sequence - ${count}::bigint + 1 + before, count, steps, lines, bytes,
             greatest(now(), started_at)
      from stream, (values ${list}) as rows (before, count, steps, lines, bytes)
    )`;
}
