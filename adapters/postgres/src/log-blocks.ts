import { promisify } from 'node:util';
import { zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { LogLine } from '@eve/operations';
import { linesOf, type StoredLine } from './log-lines.ts';

/** Lines of an archived log that are compressed together: one zstd frame of the blob. */
export interface LogBlock {
  readonly firstSequence: number;
  readonly count: number;
  /** Where the frame is in the blob. */
  readonly offset: number;
  readonly length: number;
  /** Before compression. */
  readonly bytes: number;
  readonly steps: readonly string[];
  /** Null: of any. */
  readonly attempts: readonly number[] | null;
}

/** The blocks of one blob as they are recorded: steps are named once, places and sequences follow from what comes before. */
export interface StoredBlocks {
  readonly steps: readonly string[];
  readonly blocks: readonly (readonly [
    count: number,
    length: number,
    bytes: number,
    steps: readonly number[],
    attempts: readonly number[] | null,
  ])[];
}

const compress = promisify(zstdCompress);

/** Compresses rows of lines, each a JSON array, into one frame: unpacked, the whole blob is a JSON array per line. */
export function packLines(rows: readonly string[]): Promise<Buffer> {
  return compress(rows.map((row) => `${row}\n`).join(''));
}

/** The lines of one frame. Frames are small: unpacking one here takes less than handing it to another thread. */
export function unpackLines(firstSequence: number, frame: Uint8Array): LogLine[] {
  const rows = zstdDecompressSync(frame).toString('utf8').trimEnd().split('\n');
  // What was packed above: rows as `chunkLines` laid them out.
  const lines = JSON.parse(`[${rows.join(',')}]`) as StoredLine[][];
  return linesOf(firstSequence, lines.flat());
}

/** Makes what is recorded of blocks. */
export function storeBlocks(blocks: readonly LogBlock[]): StoredBlocks {
  const numbers = new Map<string, number>();
  const numberOf = (step: string) => {
    const number = numbers.get(step) ?? numbers.size;
    numbers.set(step, number);
    return number;
  };
  const stored = blocks.map(
    ({ count, length, bytes, steps, attempts }) => [count, length, bytes, steps.map(numberOf), attempts] as const,
  );
  return { steps: [...numbers.keys()], blocks: stored };
}

/** The blocks of a blob whose first line is known. */
export function loadBlocks(firstSequence: number, { steps: names, blocks }: StoredBlocks): LogBlock[] {
  let sequence = firstSequence;
  let offset = 0;
  return blocks.map(([count, length, bytes, steps, attempts]) => {
    const block = {
      firstSequence: sequence,
      count,
      offset,
      length,
      bytes,
      steps: steps.map((number) => names[number] ?? ''),
      attempts,
    };
    sequence += count;
    offset += length;
    return block;
  });
}
