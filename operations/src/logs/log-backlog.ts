import type { LogSpool, SpooledLines } from '../ports/log-spool.ts';
import type { NewLogLine } from '../ports/logs.ts';

/** Lines of one writer that are not stored yet, in their order: the batch that is being stored, those on disk, those in memory. */
export interface LogBacklog extends AsyncDisposable {
  /** Whether more waits in memory than should. */
  readonly isHigh: boolean;
  /** Whether a whole batch waits. */
  readonly hasBatch: boolean;
  /** Whether everything is stored. */
  readonly isEmpty: boolean;
  add(line: NewLogLine): void;
  /** The oldest batch, the same one until `stored`; empty when nothing waits. */
  first(): Promise<readonly NewLogLine[]>;
  stored(): void;
  /** Moves what is in memory to disk. What has no room there is not kept, but counted in a line of its own. */
  spill(): Promise<void>;
}

const batchLines = 2_000;
const batchCharacters = 4 * 1024 * 1024;
const highLines = 5_000;
const highCharacters = 16 * 1024 * 1024;

/** In the place of lines that had no room. */
interface Gap {
  lost: number;
  readonly like: NewLogLine;
}

/** Opens an empty one; without a spool everything waits in memory. */
export function logBacklog(spool: LogSpool | null): LogBacklog {
  let current: readonly NewLogLine[] = [];
  let memory: (NewLogLine | Gap)[] = [];
  let characters = 0;
  let disk: SpooledLines | null = null;
  let spilling: Promise<void> | null = null;

  const lineOf = (entry: NewLogLine | Gap): NewLogLine =>
    'lost' in entry
      ? {
          ...entry.like,
          stream: 'platform',
          level: 'error',
          text: `… ${entry.lost} ${entry.lost === 1 ? 'line was' : 'lines were'} not kept: the database was away and the limit of ${sizeOf(spool?.maxBytes ?? 0)} for waiting lines, or the disk, was full`,
        }
      : entry;

  const takeFromMemory = (): NewLogLine[] => {
    let count = 0;
    let taken = 0;
    for (const entry of memory) {
      const length = lengthOf(entry);
      if (count === batchLines || (count > 0 && taken + length > batchCharacters)) break;
      count++;
      taken += length;
    }
    characters -= taken;
    return memory.splice(0, count).map(lineOf);
  };

  async function spill(): Promise<void> {
    disk ??= await (spool?.open() ?? null);
    while (memory.length > 0) {
      const batch = memory;
      memory = [];
      characters = 0;
      if (disk && (await disk.push(batch.map(lineOf)).catch(() => false))) continue;
      memory = [...withoutPrinted(batch), ...memory];
      characters = memory.reduce((sum, entry) => sum + lengthOf(entry), 0);
      return;
    }
  }

  return {
    get isHigh() {
      return memory.length > highLines || characters > highCharacters;
    },
    get hasBatch() {
      return memory.length >= batchLines || characters >= batchCharacters || (disk?.waiting ?? 0) > 0;
    },
    get isEmpty() {
      return current.length === 0 && memory.length === 0 && !spilling && (disk?.waiting ?? 0) === 0;
    },
    add(line) {
      memory.push(line);
      characters += line.text.length;
    },
    async first() {
      // What is on its way to the disk is older than what is in memory.
      while (spilling) await spilling;
      if (current.length === 0) current = (disk && (await disk.take())) ?? takeFromMemory();
      return current;
    },
    stored() {
      current = [];
    },
    spill() {
      spilling ??= spill().finally(() => {
        spilling = null;
      });
      return spilling;
    },
    async [Symbol.asyncDispose]() {
      await spilling?.catch(() => {});
      await disk?.[Symbol.asyncDispose]();
    },
  };
}

/** Leaves the platform's own lines and, where others were, how many. */
function withoutPrinted(entries: readonly (NewLogLine | Gap)[]): (NewLogLine | Gap)[] {
  const kept: (NewLogLine | Gap)[] = [];
  for (const entry of entries) {
    if (!('lost' in entry) && entry.stream === 'platform') {
      kept.push(entry);
      continue;
    }
    const last = kept.at(-1);
    const lost = 'lost' in entry ? entry.lost : 1;
    if (last && 'lost' in last) last.lost += lost;
    else kept.push('lost' in entry ? entry : { lost, like: entry });
  }
  return kept;
}

function lengthOf(entry: NewLogLine | Gap): number {
  return 'lost' in entry ? 0 : entry.text.length;
}

function sizeOf(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
