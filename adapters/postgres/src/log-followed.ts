import { PlatformError } from '@eve/domain';
import type { LogLine } from '@eve/operations';

type Lines = readonly LogLine[];

/** One log that somebody follows: it is read once, and what was read is handed to all who are there. */
export interface FollowedLog {
  /** Whether reading failed for another reason than the database's absence: who comes now begins anew. */
  readonly failed: boolean;
  /** Told the newest sequence. */
  hear(sequence: number): void;
  /** Looks for lines that nobody told about. */
  look(): void;
  enter(after: number): LogPlace;
}

/** How far one follower is. */
export interface LogPlace extends Disposable {
  /** Whether what he lacks must be read for him: it is older than what is kept for all. */
  readonly isBehind: boolean;
  /** The next lines that are kept, if any: the same array for all who are at the same line. Throws why reading failed. */
  next(): Lines | null;
  /** Reads the next lines; empty once nothing is lacking. */
  catchUp(): Promise<Lines>;
  /** Resolves when there may be something new, and at a call. */
  called(): Promise<void>;
  call(): void;
}

interface Batch {
  /** The sequence before its first line. */
  readonly after: number;
  readonly last: number;
  readonly characters: number;
  readonly lines: Lines;
}

interface Follower {
  last: number;
  isCalled: boolean;
  resume: (() => void) | null;
}

// For followers whose connection is slow for a moment; who falls back further reads for himself.
const keptCharacters = 512 * 1024;
// A batch is what came between two reads.
const keptBatches = 64;

/** Opens a log for its first follower; `unused` is called when the last one has left. */
export function followedLog(read: (after: number) => Promise<Lines>, { unused }: { unused(): void }): FollowedLog {
  const followers = new Set<Follower>();
  const reads = new Map<number, Promise<Lines>>();
  let batches: Batch[] = [];
  // Up to where lines were read for all; null until the first follower has caught up.
  let head: number | null = null;
  let known = 0;
  let mustLook = false;
  let isReading = false;
  let failure: { readonly error: unknown } | null = null;

  function call(follower: Follower): void {
    follower.isCalled = true;
    follower.resume?.();
  }

  /** Keeps what somebody still lacks, as far as there is room. */
  function dropPassed(): void {
    let slowest = Number.POSITIVE_INFINITY;
    for (const { last } of followers) slowest = Math.min(slowest, last);
    let characters = batches.reduce((sum, batch) => sum + batch.characters, 0);
    const newest = batches.at(-1);
    while (batches[0]) {
      const hasRoom = batches[0] === newest || (characters <= keptCharacters && batches.length <= keptBatches);
      if (batches[0].last > slowest && hasRoom) return;
      characters -= batches[0].characters;
      batches.shift();
    }
  }

  function add(after: number, lines: Lines): void {
    const last = lines.at(-1)?.sequence ?? after;
    const characters = lines.reduce((sum, { text }) => sum + text.length, 0);
    batches.push({ after, last, characters, lines });
    head = last;
    dropPassed();
    for (const follower of followers) call(follower);
  }

  // One read at a time: the more there is to do, the more lines come with each.
  async function readOn(): Promise<void> {
    if (isReading || failure) return;
    isReading = true;
    try {
      while (head !== null && followers.size > 0 && (mustLook || known > head)) {
        const [heard, looks, after] = [known, mustLook, head];
        mustLook = false;
        const lines = await read(after);
        if (lines.length > 0) {
          add(after, lines);
          // Nobody told how many there are: only an empty answer is the end.
          mustLook ||= looks;
        } else if (known === heard) known = Math.min(known, after);
      }
    } catch (error) {
      // While the database is away the next look tries again.
      if (!(error instanceof PlatformError && error.code === 'database_unavailable')) failure = { error };
      if (failure) for (const follower of followers) call(follower);
    } finally {
      isReading = false;
    }
  }

  function isBehind({ last }: Follower): boolean {
    return head === null || last < (batches[0]?.after ?? head);
  }

  // The first who has caught up; or the line that others asked to go on after is not there yet.
  function goOnFrom(last: number): void {
    mustLook ||= head !== null;
    [head, batches] = [last, []];
    void readOn();
  }

  function shared(after: number): Promise<Lines> {
    const running = reads.get(after);
    if (running) return running;
    const started = read(after).finally(() => reads.delete(after));
    reads.set(after, started);
    return started;
  }

  return {
    get failed() {
      return failure !== null;
    },
    hear(sequence) {
      known = Math.max(known, sequence);
      void readOn();
    },
    look() {
      mustLook = true;
      dropPassed();
      void readOn();
    },
    enter(after) {
      const follower: Follower = { last: after, isCalled: false, resume: null };
      followers.add(follower);
      return {
        get isBehind() {
          return isBehind(follower);
        },
        next() {
          if (failure) throw failure.error;
          const batch = batches.findLast(({ after: before, last }) => before <= follower.last && follower.last < last);
          if (!batch) return null;
          const { lines } = batch;
          const rest = batch.after === follower.last ? lines : lines.slice(follower.last - batch.after);
          follower.last = batch.last;
          return rest;
        },
        async catchUp() {
          const lines = await shared(follower.last);
          follower.last = lines.at(-1)?.sequence ?? follower.last;
          if (lines.length === 0 && isBehind(follower)) goOnFrom(follower.last);
          return lines;
        },
        async called() {
          if (!follower.isCalled) {
            const { promise, resolve } = Promise.withResolvers<void>();
            follower.resume = resolve;
            await promise;
            follower.resume = null;
          }
          follower.isCalled = false;
        },
        call: () => call(follower),
        [Symbol.dispose]() {
          followers.delete(follower);
          if (followers.size === 0) unused();
        },
      };
    },
  };
}
