import type { BuildRun } from '@eve/domain';
import type { LogWriter } from '../logs/log-writer.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import type { BuildContext } from './build-context.ts';
import type { PrintedLines } from './printed-lines.ts';
import type { RunRecord } from './run-record.ts';

/** One attempt of a run that is under way. */
export interface BuildAttempt {
  readonly context: BuildContext;
  readonly work: ClaimedWork;
  readonly writer: LogWriter;
  readonly record: RunRecord;
  /** Of a builder whose builds survive their worker; null otherwise. */
  readonly printed: PrintedLines | null;
  /** Ends when the lease is lost or the worker stops: then nothing more is written. */
  readonly held: AbortSignal;
}

/** Thrown where an end was asked for. */
export class BuildCancelled extends Error {
  override readonly name = 'BuildCancelled';
}

/** Asks for the recorded end of a run, with what only the run's worker knows of it. */
export type Outcome =
  | { readonly type: 'complete' }
  | { readonly type: 'cancel' }
  | { readonly type: 'fail'; readonly failure: NonNullable<BuildRun['failure']> };
