import type { Blobs, LogBatch, Logs } from '@eve/operations';
import { logChannel } from './channels.ts';
import { type Database, database, type Pool } from './connection.ts';
import { archiveEnded, archivePrefix } from './log-archive.ts';
import { archiveReader } from './log-archive-reader.ts';
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
  /** Where logs go whose things have ended; without them they stay in rows. */
  readonly blobs?: Blobs;
  /** How long a thing must have ended before its log is moved; 10 s unless said. */
  readonly settleMs?: number;
}

// After a failure to move one, such as of the blob store.
const archiveAgainMs = 5 * 60_000;

type Subject = Parameters<Logs['append']>[0];

/** What builds and deploys print: in rows of batches, and in blobs when it has ended. */
export function postgresLogs(
  pool: Pool,
  { notifications, pollMs = 2_000, blobs, settleMs = 10_000 }: LogsOptions,
): Logs {
  const db = database(pool);
  const places = { db, archived: archiveReader(db, blobs ?? null) };
  return {
    async append(subject, lines, lease, cursor, batch) {
      const condition = lease ? leaseHolds(lease) : part`true`;
      const added = await append(db, subject, chunkLines(lines), condition, cursor ?? null, batch ?? null);
      const last = added ?? (batch ? await alreadyAdded(db, subject, batch) : null);
      if (last === null) {
        if (lease) throw leaseLost(lease);
        throw new Error('A log without a lease was refused.');
      }
      if (lines.length > 0) notifications.send(logChannel, subject.id, `${subject.id} ${last}`);
      return last;
    },
    read: (subject, range) => readLog(places, subject, range),
    follow: logFollower({
      notifications,
      pollMs,
      read: (subject, after) => readLog(places, subject, { after }),
    }),
    async cursor({ tenantId, id }) {
      const [row] = await db.sql<{ cursor: string | null }>`
        select cursor from log_streams where tenant_id = ${tenantId} and subject_id = ${id}`;
      return row?.cursor ?? null;
    },
    archive: async ({ limit, signal }) =>
      blobs ? archiveEnded(db, blobs, { limit, signal, settleMs, retryMs: archiveAgainMs }) : 0,
    async delete(subject) {
      const { tenantId, id } = subject;
      await db.transaction(async ({ sql }) => {
        // Waits for whoever appends or moves, and keeps others from it.
        await sql`select from log_streams where tenant_id = ${tenantId} and subject_id = ${id} for update`;
        await sql`delete from log_chunks where tenant_id = ${tenantId} and subject_id = ${id}`;
        await sql`delete from log_streams where tenant_id = ${tenantId} and subject_id = ${id}`;
      });
      await blobs?.deleteBelow(archivePrefix(subject));
    },
  };
}

/** The last sequence when this batch was added before, whose answer was lost; else null. */
async function alreadyAdded({ sql }: Database, { tenantId, id }: Subject, batch: LogBatch): Promise<number | null> {
  const [row] = await sql<{ last_sequence: number }>`
    select last_sequence from log_streams
    where tenant_id = ${tenantId} and subject_id = ${id} and writer = ${batch.writer} and batch >= ${batch.number}`;
  return row?.last_sequence ?? null;
}

// One statement, and so one transaction: the sequences, the lines, the cursor, the batch, and the lease they stand on.
async function append(
  { sql }: Database,
  { tenantId, id }: Subject,
  chunks: readonly LogChunk[],
  condition: SqlPart,
  cursor: string | null,
  batch: LogBatch | null,
): Promise<number | null> {
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const { writer = null, number = null } = batch ?? {};
  const [row] = await sql<{ last_sequence: number }>`
    with stream as (
      insert into log_streams as kept (tenant_id, subject_id, last_sequence, cursor, started_at, writer, batch)
      select ${tenantId}, ${id}, ${count}::bigint, ${cursor}::text, now(), ${writer}::text, ${number}::bigint
      where ${condition}
      on conflict (tenant_id, subject_id) do update
      set last_sequence = kept.last_sequence + excluded.last_sequence, cursor = coalesce(excluded.cursor, kept.cursor),
          writer = coalesce(excluded.writer, kept.writer), batch = coalesce(excluded.batch, kept.batch), archived = false
      where excluded.writer is null or kept.writer is distinct from excluded.writer or kept.batch < excluded.batch
      returning last_sequence, started_at
    )${chunks.length > 0 ? chunkRows(tenantId, id, count, chunks) : part``}
    select last_sequence from stream`;
  return row?.last_sequence ?? null;
}

// `at` is never before the stream's start, however the clock was set: reads look for chunks from there on.
function chunkRows(tenantId: string, id: string, count: number, chunks: readonly LogChunk[]): SqlPart {
  let before = 0;
  const rows = chunks.map((chunk) => {
    const row = part`(${before}::integer, ${chunk.count}::integer, ${chunk.steps}::text[], ${chunk.attempts}::integer[], ${chunk.json}::jsonb, ${chunk.bytes}::integer)`;
    before += chunk.count;
    return row;
  });
  const list = rows.reduce((all, row) => part`${all}, ${row}`);
  return part`, chunk as (
      insert into log_chunks (tenant_id, subject_id, first_sequence, count, steps, attempts, lines, bytes, at)
      select ${tenantId}, ${id}, last_sequence - ${count}::bigint + 1 + before, count, steps, attempts, lines, bytes,
             greatest(now(), started_at)
      from stream, (values ${list}) as rows (before, count, steps, attempts, lines, bytes)
    )`;
}
