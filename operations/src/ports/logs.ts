import type { OrganisationId } from '@eve/domain';
import type { Lease } from './work-queue.ts';

/** One line of what a build, deploy or step printed. Sequences start at 1 and have no gaps within a subject. */
export interface LogLine {
  readonly sequence: number;
  readonly at: Date;
  readonly attempt: number;
  /** Whose line it is, or null for the platform's own. */
  readonly service: string | null;
  /** Such as `clone`, `checkout`, `workspace`, or a Dockerfile step's name. */
  readonly step: string | null;
  readonly stream: 'stdout' | 'stderr' | 'platform';
  readonly level: 'info' | 'error';
  /** A stable failure code on error lines. */
  readonly code: string | null;
  readonly text: string;
}

export interface NewLogLine extends Omit<LogLine, 'sequence'> {
  /** Where its engine is to be followed on from once this line is stored. */
  readonly cursor?: string;
}

/** Whose log it is: a build run's or deploy's. */
export interface LogSubject {
  readonly tenantId: OrganisationId;
  readonly id: string;
}

/** Names an append, so that repeating it after its answer was lost adds nothing. Numbers of one writer rise. */
export interface LogBatch {
  readonly writer: string;
  readonly number: number;
}

/** What builds and deploys print: acknowledged lines are never lost, doubled or reordered. */
export interface Logs {
  /** Appends lines of one subject. With a lease the write is refused (`lease_lost`) once it is gone; without, only for lines of the platform about things that nobody executes. The engine's cursor is stored in the same transaction. */
  append(
    subject: LogSubject,
    lines: readonly NewLogLine[],
    lease: Lease | null,
    cursor?: string,
    batch?: LogBatch,
  ): Promise<number>;
  /** Lines in order: after a sequence, or the last `tail`; at most `limit` (default 1000), and fewer where they are very long: only an empty answer is the end. */
  read(
    subject: LogSubject,
    range: { after?: number; tail?: number; limit?: number; step?: string; attempt?: number },
  ): Promise<readonly LogLine[]>;
  /** Yields batches after a sequence, then new ones as they come, until the signal ends it. */
  follow(subject: LogSubject, after: number, signal: AbortSignal): AsyncIterable<readonly LogLine[]>;
  /** The engine's last stored cursor, for following again. */
  cursor(subject: LogSubject): Promise<string | null>;
  /** Moves logs of what has ended for a while to the blob store, at most `limit` of them; reads find the lines as before. Answers how many. Any number of processes may do so, and repeat it after a failure. */
  archive(options: { limit: number; signal: AbortSignal }): Promise<number>;
  /** Removes a log with all that was kept of it. */
  delete(subject: LogSubject): Promise<void>;
}
