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

export type NewLogLine = Omit<LogLine, 'sequence'>;

/** What builds and deploys print: acknowledged lines are never lost, doubled or reordered. */
export interface Logs {
  /** Appends lines of one subject (a build run's or deploy's id). With a lease the write is refused (`lease_lost`) once it is gone; without, only for lines of the platform about things that nobody executes. The engine's cursor is stored in the same transaction. */
  append(
    subject: { tenantId: OrganisationId; id: string },
    lines: readonly NewLogLine[],
    lease: Lease | null,
    cursor?: string,
  ): Promise<number>;
  /** Lines in order: after a sequence, or the last `tail`; at most `limit` (default 1000). */
  read(
    subject: { tenantId: OrganisationId; id: string },
    range: { after?: number; tail?: number; limit?: number; step?: string },
  ): Promise<readonly LogLine[]>;
  /** Yields batches after a sequence, then new ones as they come, until the signal ends it. */
  follow(
    subject: { tenantId: OrganisationId; id: string },
    after: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly LogLine[]>;
  /** The engine's last stored cursor, for following again. */
  cursor(subject: { tenantId: OrganisationId; id: string }): Promise<string | null>;
}
