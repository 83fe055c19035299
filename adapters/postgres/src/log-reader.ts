import type { LogLine, LogSubject, Logs } from '@eve/operations';
import type { Database } from './connection.ts';
import type { ArchiveReader } from './log-archive-reader.ts';
import { isFiltering, isWanted, type LineFilter, linesOf, linesPerChunk, type StoredLine } from './log-lines.ts';
import { part, type SqlPart } from './sql.ts';

type Range = Parameters<Logs['read']>[1];

interface ChunkRow {
  first_sequence: number;
  count: number;
  lines: StoredLine[];
}

interface Stream {
  last_sequence: number;
  archived_sequence: number;
  started_at: Date;
}

/** Where lines are read from: rows, and blobs for those that were moved. */
export interface LogPlaces {
  readonly db: Database;
  readonly archived: ArchiveReader;
}

/** What one read is about; sequences go from the one after `after` up to and with `to`. */
interface Wanted {
  readonly after: number;
  readonly to: number;
  readonly limit: number;
  readonly filter: LineFilter;
  readonly fromEnd: boolean;
}

/** How many lines a read gives when nothing else was asked for. */
export const pageLines = 1000;
// Long lines make a page shorter, so that nobody's memory is filled by one read.
const pageBytes = 8 * 1024 * 1024;
// Of chunks that may hold lines of a filter, read at once at most.
const chunksPerRead = 10;
const attempts = 5;

/** Lines in order: those after a sequence, or the last ones. */
export async function readLog(
  places: LogPlaces,
  subject: LogSubject,
  { after = 0, tail, limit = pageLines, step, attempt: ofAttempt }: Range,
): Promise<readonly LogLine[]> {
  const count = tail === undefined ? limit : Math.min(tail, limit);
  if (count <= 0) return [];
  const filter = { step, attempt: ofAttempt };
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const stream = await streamOf(places.db, subject);
    if (!stream || after >= stream.last_sequence) return [];
    const fromEnd = tail !== undefined;
    const lines = await linesFrom(places, subject, stream, {
      limit: count,
      filter,
      fromEnd,
      after: fromEnd && !isFiltering(filter) ? Math.max(after, stream.last_sequence - count) : after,
      to: stream.last_sequence,
    });
    if (lines) return lines;
  }
  throw new Error(`The log of ${subject.id} was moved again and again while it was read.`);
}

async function streamOf({ sql }: Database, { tenantId, id }: LogSubject): Promise<Stream | null> {
  const [stream] = await sql<Stream>`
    select last_sequence, archived_sequence, started_at from log_streams
    where tenant_id = ${tenantId} and subject_id = ${id}`;
  return stream ?? null;
}

/** Null when rows were moved to a blob between looking and reading: the caller looks again. */
async function linesFrom(
  { db, archived }: LogPlaces,
  subject: LogSubject,
  stream: Stream,
  wanted: Wanted,
): Promise<LogLine[] | null> {
  const { after, to, limit } = wanted;
  const border = stream.archived_sequence;
  const fromBlobs = async (most: number) =>
    after >= border || most <= 0
      ? []
      : archived(subject, { ...wanted, to: Math.min(to, border), limit: most, maxBytes: pageBytes });
  const fromRows = async (most: number) =>
    to <= border || most <= 0
      ? []
      : rowLines({ sql: db.sql, subject, stream }, { ...wanted, after: Math.max(after, border), limit: most });

  const lines = await (wanted.fromEnd ? backward : forward)(wanted, border, fromBlobs, fromRows);
  // Rows only go away by being moved, and the border moves with them.
  if (to > border && (await streamOf(db, subject))?.archived_sequence !== border) return null;
  return lines.length > limit ? lines.slice(0, limit) : lines;
}

type Read = (most: number) => Promise<LogLine[]>;

// What one part gives may be cut short because its lines are long: the other part follows only where nothing is left out.
async function forward({ limit, filter }: Wanted, border: number, blobs: Read, rows: Read): Promise<LogLine[]> {
  const first = await blobs(limit);
  const last = first.at(-1);
  if (last && (isFiltering(filter) || last.sequence !== border)) return first;
  return [...first, ...(await rows(limit - first.length))];
}

async function backward({ limit, filter }: Wanted, border: number, blobs: Read, rows: Read): Promise<LogLine[]> {
  const last = await rows(limit);
  const first = last[0];
  if (first && !isFiltering(filter) && first.sequence !== border + 1) return last;
  return [...(await blobs(limit - last.length)), ...last];
}

interface Place {
  readonly sql: Database['sql'];
  readonly subject: LogSubject;
  readonly stream: Stream;
}

function rowLines(place: Place, wanted: Wanted): Promise<LogLine[]> {
  if (isFiltering(wanted.filter)) return (wanted.fromEnd ? filteredBackward : filteredForward)(place, wanted);
  return (wanted.fromEnd ? lastLines : nextLines)(place, wanted);
}

// Sequences have no gaps, so the wanted lines' numbers say which chunks hold them.
async function nextLines({ sql, subject, stream }: Place, { after, limit }: Wanted): Promise<LogLine[]> {
  const rows = await sql<ChunkRow>`
    select first_sequence, count, lines from (
      select first_sequence, count, lines, sum(bytes) over (order by first_sequence) - bytes as before
      from log_chunks
      where tenant_id = ${subject.tenantId} and subject_id = ${subject.id} and at >= ${stream.started_at}
        and first_sequence >= coalesce((
          select first_sequence from log_chunks
          where tenant_id = ${subject.tenantId} and subject_id = ${subject.id}
            and at >= ${stream.started_at} and first_sequence <= ${after + 1}
          order by first_sequence desc limit 1
        ), 0)
        and first_sequence <= ${after + limit}
    ) wanted where before < ${pageBytes} order by first_sequence`;
  return linesOfRows(rows).filter(({ sequence }) => sequence > after && sequence <= after + limit);
}

async function lastLines({ sql, subject, stream }: Place, { after, to, limit }: Wanted): Promise<LogLine[]> {
  const from = Math.max(after, to - limit);
  const rows = await sql<ChunkRow>`
    select first_sequence, count, lines from (
      select first_sequence, count, lines, sum(bytes) over (order by first_sequence desc) - bytes as behind
      from log_chunks
      where tenant_id = ${subject.tenantId} and subject_id = ${subject.id} and at >= ${stream.started_at}
        and first_sequence >= coalesce((
          select first_sequence from log_chunks
          where tenant_id = ${subject.tenantId} and subject_id = ${subject.id}
            and at >= ${stream.started_at} and first_sequence <= ${from + 1}
          order by first_sequence desc limit 1
        ), 0)
        and first_sequence <= ${to}
    ) wanted where behind < ${pageBytes} order by first_sequence`;
  return linesOfRows(rows).filter(({ sequence }) => sequence > from && sequence <= to);
}

async function filteredForward(place: Place, { after, limit, filter }: Wanted): Promise<LogLine[]> {
  const found: LogLine[] = [];
  let from = after;
  for (let chunks = firstChunks(limit); found.length < limit; chunks = Math.min(chunksPerRead, chunks * 2)) {
    const rows = await place.sql<ChunkRow>`
      select first_sequence, count, lines from log_chunks
      where tenant_id = ${place.subject.tenantId} and subject_id = ${place.subject.id} and at >= ${place.stream.started_at}
        and first_sequence + count > ${from + 1} and ${mayHold(filter)}
      order by first_sequence limit ${chunks}`;
    found.push(...linesOfRows(rows).filter((line) => isWanted(line, filter) && line.sequence > after));
    const last = rows.at(-1);
    if (!last || rows.length < chunks) break;
    from = last.first_sequence + last.count - 1;
  }
  return found.slice(0, limit);
}

async function filteredBackward(place: Place, { after, limit, filter }: Wanted): Promise<LogLine[]> {
  let found: LogLine[] = [];
  let before = place.stream.last_sequence + 1;
  for (let chunks = firstChunks(limit); found.length < limit; chunks = Math.min(chunksPerRead, chunks * 2)) {
    const rows = await place.sql<ChunkRow>`
      select first_sequence, count, lines from log_chunks
      where tenant_id = ${place.subject.tenantId} and subject_id = ${place.subject.id} and at >= ${place.stream.started_at}
        and first_sequence < ${before} and first_sequence + count > ${after + 1} and ${mayHold(filter)}
      order by first_sequence desc limit ${chunks}`;
    const lines = linesOfRows(rows.toReversed());
    found = [...lines.filter((line) => isWanted(line, filter) && line.sequence > after), ...found];
    const first = rows.at(-1);
    if (!first || rows.length < chunks) break;
    before = first.first_sequence;
  }
  return found.slice(-limit);
}

// A step's lines mostly stand together: few chunks are enough, and each is work to read.
function firstChunks(limit: number): number {
  return Math.min(chunksPerRead, Math.ceil(limit / linesPerChunk) + 1);
}

function mayHold(filter: LineFilter): SqlPart {
  const [step, attempt] = [filter.step ?? null, filter.attempt ?? null];
  return part`(${step}::text is null or ${step} = any(steps))
    and (${attempt}::integer is null or attempts is null or ${attempt} = any(attempts))`;
}

function linesOfRows(rows: readonly ChunkRow[]): LogLine[] {
  return rows.flatMap((row) => linesOf(row.first_sequence, row.lines));
}
