import type { Blobs, LogLine, LogSubject } from '@eve/operations';
import type { Database } from './connection.ts';
import { type LogBlock, loadBlocks, type StoredBlocks, unpackLines } from './log-blocks.ts';
import { isWanted, type LineFilter } from './log-lines.ts';

interface Segment {
  readonly key: string;
  readonly blocks: readonly LogBlock[];
}

/** Blocks that follow each other in one blob: one ranged read. */
interface Stretch {
  readonly key: string;
  readonly blocks: LogBlock[];
}

/** What is wanted of the archived part of a log. */
export interface ArchivedRange {
  /** Only lines after this one, up to and with `to`. */
  readonly after: number;
  readonly to: number;
  /** At most so many lines, and blocks of about so many bytes. */
  readonly limit: number;
  readonly maxBytes: number;
  readonly filter: LineFilter;
  /** Takes the last lines of the range, not the first ones. */
  readonly fromEnd: boolean;
}

export type ArchiveReader = (subject: LogSubject, range: ArchivedRange) => Promise<LogLine[]>;

const keptSegments = 64;

/** Reads archived lines. What is recorded of a blob never changes, so the places in the newest ones are kept in memory. */
export function archiveReader({ sql }: Database, blobs: Blobs | null): ArchiveReader {
  const kept = new Map<string, Segment>();

  async function segmentsOf({ tenantId, id }: LogSubject, { after, to }: ArchivedRange): Promise<Segment[]> {
    const rows = await sql<{ key: string; first_sequence: number }>`
      select key, first_sequence from log_archives
      where tenant_id = ${tenantId} and subject_id = ${id} and last_sequence > ${after} and first_sequence <= ${to}
      order by first_sequence`;
    return Promise.all(rows.map((row) => kept.get(row.key) ?? load(tenantId, id, row.key, row.first_sequence)));
  }

  async function load(tenantId: string, id: string, key: string, first: number): Promise<Segment> {
    const [row] = await sql<{ blocks: StoredBlocks }>`
      select blocks from log_archives
      where tenant_id = ${tenantId} and subject_id = ${id} and first_sequence = ${first}`;
    const segment = { key, blocks: row ? loadBlocks(first, row.blocks) : [] };
    if (kept.size >= keptSegments) kept.delete(kept.keys().next().value ?? '');
    kept.set(key, segment);
    return segment;
  }

  async function linesIn({ key, blocks }: Stretch): Promise<LogLine[]> {
    const [start, end] = [blocks[0]?.offset ?? 0, endOf(blocks.at(-1))];
    const found = await blobs?.get(key, { start, end });
    if (!found) throw new Error(`The archived log ${key} is not among the stored files.`);
    const parts: Uint8Array[] = [];
    for await (const part of found) parts.push(part);
    const bytes = Buffer.concat(parts);
    return blocks.flatMap((block) =>
      unpackLines(block.firstSequence, bytes.subarray(block.offset - start, endOf(block) - start)),
    );
  }

  return async (subject, range) => {
    const { after, to, limit, filter, fromEnd, maxBytes } = range;
    const segments = await segmentsOf(subject, range);
    const wanted = segments.flatMap(({ key, blocks }) =>
      blocks
        .filter(({ firstSequence, count }) => firstSequence + count - 1 > after && firstSequence <= to)
        .filter((block) => mayHold(block, filter))
        .map((block) => ({ key, block })),
    );
    let found: LogLine[] = [];
    let bytes = 0;
    while (wanted.length > 0 && found.length < limit && bytes < maxBytes) {
      const stretch = nextStretch(wanted, { ...range, limit: limit - found.length, maxBytes: maxBytes - bytes });
      const lines = (await linesIn(stretch)).filter(
        (line) => line.sequence > after && line.sequence <= to && isWanted(line, filter),
      );
      found = fromEnd ? [...lines, ...found] : [...found, ...lines];
      bytes += stretch.blocks.reduce((sum, block) => sum + block.bytes, 0);
    }
    return fromEnd ? found.slice(-limit) : found.slice(0, limit);
  };
}

function mayHold({ steps, attempts }: LogBlock, { step, attempt }: LineFilter): boolean {
  return (
    (step === undefined || steps.includes(step)) &&
    (attempt === undefined || attempts === null || attempts.includes(attempt))
  );
}

// Neighbours, until they hold what is still wanted.
function nextStretch(
  wanted: { key: string; block: LogBlock }[],
  { after, to, limit, maxBytes, fromEnd }: ArchivedRange,
): Stretch {
  const blocks: LogBlock[] = [];
  let key: string | null = null;
  let lines = 0;
  let bytes = 0;
  while (lines < limit && bytes < maxBytes) {
    const next = fromEnd ? wanted.at(-1) : wanted[0];
    const edge = fromEnd ? blocks[0]?.offset : endOf(blocks.at(-1));
    if (!next || (key !== null && (next.key !== key || edge !== (fromEnd ? endOf(next.block) : next.block.offset))))
      break;
    fromEnd ? wanted.pop() : wanted.shift();
    fromEnd ? blocks.unshift(next.block) : blocks.push(next.block);
    key = next.key;
    const { firstSequence, count } = next.block;
    lines += Math.min(to, firstSequence + count - 1) - Math.max(after, firstSequence - 1);
    bytes += next.block.bytes;
  }
  return { key: key ?? '', blocks };
}

function endOf(block: LogBlock | undefined): number {
  return block ? block.offset + block.length : 0;
}
