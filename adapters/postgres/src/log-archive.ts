import type { Blobs, LogSubject } from '@eve/operations';
import type { Database } from './connection.ts';
import { type LogBlock, packLines, storeBlocks } from './log-blocks.ts';

const linesPerBlock = 1000;
const bytesPerBlock = 256 * 1024;
const rowsPerRead = 20;

export interface ArchiveOptions {
  readonly limit: number;
  readonly signal: AbortSignal;
  /** How long a thing must have ended: its last lines may come a little later. */
  readonly settleMs: number;
  /** When a log is looked at again that could not be moved. */
  readonly retryMs: number;
}

interface DueRow {
  tenant_id: LogSubject['tenantId'];
  subject_id: string;
  archived_sequence: number;
  last_sequence: number;
  started_at: Date;
}

interface ChunkRow {
  first_sequence: number;
  count: number;
  steps: string[];
  attempts: number[] | null;
  lines: string;
  bytes: number;
}

/** Below it lies everything that is archived of a log. */
export function archivePrefix({ tenantId, id }: LogSubject): string {
  return `logs/${tenantId}/${id}`;
}

/** Moves what is in rows of ended things' logs to blobs. Answers how many logs were moved; the first failure is thrown when all were tried. */
export async function archiveEnded(db: Database, blobs: Blobs, options: ArchiveOptions): Promise<number> {
  let moved = 0;
  let failure: unknown = null;
  for (const due of await takeDue(db, options)) {
    options.signal.throwIfAborted();
    try {
      if (await archiveOne(db, blobs, due, options.signal)) moved++;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return moved;
}

// Taken for a while: another process does not do the same, and one log that cannot be moved holds up no other.
function takeDue({ sql }: Database, { limit, settleMs, retryMs }: ArchiveOptions): Promise<DueRow[]> {
  return sql<DueRow>`
    with due as (
      select tenant_id, subject_id from log_streams s
      where not archived and archive_at <= now() and (
        exists (select from build_runs r where r.id = s.subject_id and r.tenant_id = s.tenant_id
                and r.completed_at <= now() - ${settleMs}::float8 * interval '1 millisecond')
        or exists (select from deploys d where d.id = s.subject_id and d.tenant_id = s.tenant_id
                   and d.completed_at <= now() - ${settleMs}::float8 * interval '1 millisecond'))
      order by archive_at limit ${limit}
      for no key update skip locked
    )
    update log_streams s set archive_at = now() + ${retryMs}::float8 * interval '1 millisecond'
    from due where s.tenant_id = due.tenant_id and s.subject_id = due.subject_id
    returning s.tenant_id, s.subject_id, s.archived_sequence, s.last_sequence, s.started_at`;
}

// The blob is durable before anything is taken from the rows. Its key tells exactly which lines are in it, so that
// doing all of this again after a crash, or twice at once, writes the same bytes under the same key.
async function archiveOne(db: Database, blobs: Blobs, due: DueRow, signal: AbortSignal): Promise<boolean> {
  const { tenant_id: tenantId, subject_id: id, archived_sequence: before, last_sequence: last } = due;
  const subject = { tenantId, id };
  if (last === before) return markEmpty(db, subject, last);
  const key = `${archivePrefix(subject)}/${before + 1}-${last}.zst`;
  const blocks: LogBlock[] = [];
  await blobs.put(key, frames(db, due, blocks, signal), { maxBytes: Number.MAX_SAFE_INTEGER });
  if (await record(db, due, key, blocks)) return true;
  // Another process moved it first, or it was deleted. Nobody will record this blob any more unless it is recorded now.
  if (!(await isRecorded(db, subject, key))) await blobs.delete(key);
  return false;
}

async function isRecorded({ sql }: Database, { tenantId, id }: LogSubject, key: string): Promise<boolean> {
  const rows = await sql`
    select from log_archives where tenant_id = ${tenantId} and subject_id = ${id} and key = ${key}`;
  return rows.length > 0;
}

async function markEmpty({ sql }: Database, { tenantId, id }: LogSubject, last: number): Promise<boolean> {
  await sql`
    update log_streams set archived = true
    where tenant_id = ${tenantId} and subject_id = ${id} and last_sequence = ${last} and archived_sequence = ${last}`;
  return false;
}

async function* frames(db: Database, due: DueRow, blocks: LogBlock[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let group: ChunkRow[] = [];
  let lines = 0;
  let bytes = 0;
  const pack = async () => {
    const frame = await packLines(group.map((row) => row.lines));
    const steps = [...new Set(group.flatMap((row) => row.steps))];
    const attempts = group.some((row) => row.attempts === null)
      ? null
      : [...new Set(group.flatMap((row) => row.attempts ?? []))];
    const firstSequence = group[0]?.first_sequence ?? 0;
    blocks.push({ firstSequence, count: lines, offset, length: frame.byteLength, bytes, steps, attempts });
    offset += frame.byteLength;
    group = [];
    lines = 0;
    bytes = 0;
    return frame;
  };
  for await (const row of rowsOf(db, due)) {
    signal.throwIfAborted();
    const isFull = lines + row.count > linesPerBlock || bytes + row.bytes > bytesPerBlock;
    if (group.length > 0 && isFull) yield await pack();
    group.push(row);
    lines += row.count;
    bytes += row.bytes;
  }
  if (group.length > 0) yield await pack();
}

// A log with a hole is never archived: what is missing is still somewhere, and the rows stay.
async function* rowsOf({ sql }: Database, due: DueRow): AsyncGenerator<ChunkRow> {
  for (let next = due.archived_sequence + 1; next <= due.last_sequence; ) {
    const rows = await sql<ChunkRow>`
      select first_sequence, count, steps, attempts, lines::text as lines, bytes from log_chunks
      where tenant_id = ${due.tenant_id} and subject_id = ${due.subject_id} and at >= ${due.started_at}
        and first_sequence between ${next} and ${due.last_sequence}
      order by first_sequence limit ${rowsPerRead}`;
    if (rows.length === 0) throw new Error(`The log of ${due.subject_id} has no line ${next}.`);
    for (const row of rows) {
      if (row.first_sequence !== next) throw new Error(`The log of ${due.subject_id} has no line ${next}.`);
      yield row;
      next += row.count;
    }
  }
}

async function record(db: Database, due: DueRow, key: string, blocks: readonly LogBlock[]): Promise<boolean> {
  const { tenant_id: tenantId, subject_id: id, archived_sequence: before, last_sequence: last } = due;
  return db.transaction(async ({ sql }) => {
    const [taken] = await sql`
      update log_streams set archived_sequence = ${last}, archived = last_sequence = ${last}, archive_at = now()
      where tenant_id = ${tenantId} and subject_id = ${id} and archived_sequence = ${before}
      returning subject_id`;
    if (!taken) return false;
    await sql`
      insert into log_archives (tenant_id, subject_id, first_sequence, last_sequence, key, blocks)
      values (${tenantId}, ${id}, ${before + 1}, ${last}, ${key}, ${JSON.stringify(storeBlocks(blocks))}::jsonb)`;
    await sql`
      delete from log_chunks
      where tenant_id = ${tenantId} and subject_id = ${id} and at >= ${due.started_at}
        and first_sequence between ${before + 1} and ${last}`;
    await sql`
      update build_runs set logs_ref = ${key} where tenant_id = ${tenantId} and id = ${id} and logs_ref is null`;
    return true;
  });
}
