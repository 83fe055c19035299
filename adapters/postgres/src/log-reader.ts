import type { LogLine, Logs } from '@eve/operations';
import type { Database } from './connection.ts';
import { linesOf, type StoredLine } from './log-lines.ts';

type Subject = Parameters<Logs['read']>[0];
type Range = Parameters<Logs['read']>[1];

interface ChunkRow {
  first_sequence: number;
  count: number;
  lines: StoredLine[];
}

interface Stream {
  last_sequence: number;
  started_at: Date;
}

/** How many lines a read gives when nothing else was asked for. */
export const pageLines = 1000;
// Of chunks that may hold a step's lines, read at once.
const chunksPerRead = 10;

/** Lines in order: those after a sequence, or the last ones. */
export async function readLog(
  { sql }: Database,
  subject: Subject,
  { after = 0, tail, limit = pageLines, step }: Range,
): Promise<readonly LogLine[]> {
  const [stream] = await sql<Stream>`
    select last_sequence, started_at from log_streams
    where tenant_id = ${subject.tenantId} and subject_id = ${subject.id}`;
  if (!stream || after >= stream.last_sequence || limit <= 0) return [];
  const place = { sql, subject, stream };
  if (step !== undefined) {
    return tail === undefined
      ? stepForward(place, step, after, limit)
      : stepTail(place, step, Math.min(tail, limit), after);
  }
  if (tail === undefined) return between(place, after, limit);
  const wanted = Math.min(tail, limit);
  return between(place, Math.max(after, stream.last_sequence - wanted), wanted);
}

interface Place {
  readonly sql: Database['sql'];
  readonly subject: Subject;
  readonly stream: Stream;
}

// Sequences have no gaps, so the wanted lines' numbers say which chunks hold them.
async function between(place: Place, after: number, limit: number): Promise<LogLine[]> {
  if (limit <= 0) return [];
  const rows = await place.sql<ChunkRow>`
    select first_sequence, count, lines from log_chunks
    where tenant_id = ${place.subject.tenantId} and subject_id = ${place.subject.id} and at >= ${place.stream.started_at}
      and first_sequence >= coalesce((
        select first_sequence from log_chunks
        where tenant_id = ${place.subject.tenantId} and subject_id = ${place.subject.id}
          and at >= ${place.stream.started_at} and first_sequence <= ${after + 1}
        order by first_sequence desc limit 1
      ), 0)
      and first_sequence <= ${after + limit}
    order by first_sequence`;
  return rows
    .flatMap((row) => linesOf(row.first_sequence, row.lines))
    .filter(({ sequence }) => sequence > after && sequence <= after + limit);
}

async function stepForward(place: Place, step: string, after: number, limit: number): Promise<LogLine[]> {
  const found: LogLine[] = [];
  let from = after;
  while (found.length < limit) {
    const rows = await place.sql<ChunkRow>`
      select first_sequence, count, lines from log_chunks
      where tenant_id = ${place.subject.tenantId} and subject_id = ${place.subject.id} and at >= ${place.stream.started_at}
        and first_sequence + count > ${from + 1} and ${step} = any(steps)
      order by first_sequence limit ${chunksPerRead}`;
    found.push(...linesOfStep(rows, step).filter(({ sequence }) => sequence > after));
    const last = rows.at(-1);
    if (!last || rows.length < chunksPerRead) break;
    from = last.first_sequence + last.count - 1;
  }
  return found.slice(0, limit);
}

async function stepTail(place: Place, step: string, wanted: number, after: number): Promise<LogLine[]> {
  let found: LogLine[] = [];
  let before = place.stream.last_sequence + 1;
  while (found.length < wanted) {
    const rows = await place.sql<ChunkRow>`
      select first_sequence, count, lines from log_chunks
      where tenant_id = ${place.subject.tenantId} and subject_id = ${place.subject.id} and at >= ${place.stream.started_at}
        and first_sequence < ${before} and first_sequence + count > ${after + 1} and ${step} = any(steps)
      order by first_sequence desc limit ${chunksPerRead}`;
    found = [...linesOfStep(rows.toReversed(), step).filter(({ sequence }) => sequence > after), ...found];
    const first = rows.at(-1);
    if (!first || rows.length < chunksPerRead) break;
    before = first.first_sequence;
  }
  return wanted > 0 ? found.slice(-wanted) : [];
}

function linesOfStep(rows: readonly ChunkRow[], step: string): LogLine[] {
  return rows.flatMap((row) => linesOf(row.first_sequence, row.lines)).filter((line) => line.step === step);
}
