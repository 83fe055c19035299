import { randomUUID } from 'node:crypto';
import { PlatformError } from '@eve/domain';
import type { LogSpool } from '../ports/log-spool.ts';
import type { LogSubject, Logs, NewLogLine } from '../ports/logs.ts';
import type { Lease } from '../ports/work-queue.ts';
import { pause } from '../work/pause.ts';
import { logBacklog } from './log-backlog.ts';
import type { Redact } from './redact.ts';

// What is printed at once is stored at once, and stores follow each other no faster than followers can be told.
const gatherMs = 5;
const storeEveryMs = 30;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
// Our heartbeat needs the database as well: after an outage the lease may be renewed only a little later.
const leaseGraceMs = 15_000;

/** Longer lines are cut, and end in a sentence that says so. */
export const maxLineCharacters = 1024 * 1024;

/** Collects lines of one build run or deploy and appends them in batches, in order, under its lease. While the database is away they wait, on disk when they are many. */
export interface LogWriter extends AsyncDisposable {
  /** Adds a line of the platform; `code` marks an error line, `at` is when that was which it tells, if not now. */
  say(
    text: string,
    about?: { service?: string | null; step?: string; code?: string; at?: Date; cursor?: string },
  ): void;
  /** Adds a line that a program printed; resolves at once unless too many lines wait. Its cursor is stored with it. */
  print(line: {
    service: string;
    step: string | null;
    stream: 'stdout' | 'stderr';
    text: string;
    at: Date;
    cursor?: string;
  }): Promise<void>;
  /** Resolves when everything said so far is stored, however long the database is away. Throws what the store threw, and once the signal is aborted that the database is away. */
  flush(): Promise<void>;
}

export interface LogWriterOptions {
  readonly lease: Lease;
  readonly attempt: number;
  readonly redact: Redact;
  /** Ends the wait for a database that is away: what is not stored by then is not kept. */
  readonly signal?: AbortSignal;
}

/** Opens a writer; disposing flushes. Without a spool a program that prints waits while the database is away. */
export function logWriter(
  { logs, logSpool, now }: { logs: Logs; logSpool?: LogSpool; now: () => Date },
  subject: LogSubject,
  { lease, attempt, redact, signal = new AbortController().signal }: LogWriterOptions,
): LogWriter {
  const writer = randomUUID();
  const backlog = logBacklog(logSpool ?? null);
  let number = 0;
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let isStoring = false;
  let storedAt = Number.NEGATIVE_INFINITY;
  let mustEmpty = false;
  let away = false;
  let broken: unknown = null;
  let movement = Promise.withResolvers<void>();

  // Whoever waits for room looks again after each batch that is taken, and when the database is found away.
  const moved = () => {
    movement.resolve();
    movement = Promise.withResolvers();
  };

  const store = async (batch: readonly NewLogLine[]) => {
    number++;
    const cursor = batch.findLast((line) => line.cursor !== undefined)?.cursor;
    let awaySince = 0;
    for (let waitMs = firstPauseMs; ; waitMs = Math.min(longestPauseMs, waitMs * 2)) {
      try {
        await logs.append(subject, batch, lease, cursor, { writer, number });
        away = false;
        return;
      } catch (error) {
        if (hasCode(error, 'database_unavailable')) awaySince = performance.now();
        else if (!hasCode(error, 'lease_lost') || performance.now() - awaySince > leaseGraceMs || !away) throw error;
        if (signal.aborted) throw error;
        away = true;
        moved();
        await pause(waitMs, signal);
      }
    }
  };
  // What comes while a batch is stored waits for its own time: appends of single lines would follow each other at once.
  const storeBatches = async () => {
    do {
      const batch = await backlog.first();
      moved();
      if (batch.length === 0) {
        mustEmpty = false;
        return;
      }
      await store(batch);
      backlog.stored();
    } while (mustEmpty || backlog.hasBatch);
  };
  const storeNow = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (isStoring || broken) return;
    isStoring = true;
    storedAt = performance.now();
    writing = storeBatches()
      .catch((error: unknown) => {
        broken ??= error;
      })
      .finally(() => {
        isStoring = false;
        moved();
        if (!broken && !backlog.isEmpty) storeSoon();
      });
  };
  const storeSoon = () => {
    timer ??= setTimeout(storeNow, Math.max(gatherMs, storedAt + storeEveryMs - performance.now()));
  };
  const flush = async () => {
    while (!broken && !backlog.isEmpty) {
      mustEmpty = true;
      storeNow();
      await writing;
    }
  };
  const add = (line: NewLogLine) => {
    backlog.add({ ...line, text: shortened(redact(line.text)) });
    if (isStoring) return;
    if (backlog.hasBatch) storeNow();
    else storeSoon();
  };
  const flushed = async () => {
    await flush();
    if (broken) throw broken;
  };

  return {
    say(text, { service = null, step, code, at = now(), cursor } = {}) {
      const shared = {
        at,
        attempt,
        service,
        step: step ?? null,
        stream: 'platform',
        code: code ?? null,
      } as const;
      const kept = cursor === undefined ? shared : { ...shared, cursor };
      for (const part of text.split('\n')) add({ ...kept, level: code ? 'error' : 'info', text: part });
    },
    async print({ service, step, stream, text, at, cursor }) {
      if (broken) throw broken;
      const shared = { at, attempt, service, step, stream, level: 'info', code: null, text } as const;
      add(cursor === undefined ? shared : { ...shared, cursor });
      while (backlog.isHigh && !broken) {
        if (away && logSpool) return backlog.spill();
        const { promise } = movement;
        storeNow();
        await promise;
      }
      if (broken) throw broken;
    },
    flush: flushed,
    async [Symbol.asyncDispose]() {
      await flush();
      await backlog[Symbol.asyncDispose]();
    },
  };
}

// After the redaction: half a secret at the cut would not be recognised.
function shortened(text: string): string {
  if (text.length <= maxLineCharacters) return text;
  return `${text.slice(0, maxLineCharacters)}… (the rest of this line is not kept: it is longer than ${maxLineCharacters} characters)`;
}

function hasCode(error: unknown, code: PlatformError['code']): boolean {
  return error instanceof PlatformError && error.code === code;
}
