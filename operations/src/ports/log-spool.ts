import type { NewLogLine } from './logs.ts';

/** Where lines wait on disk while the database is away. */
export interface LogSpool {
  /** Bytes that one writer's lines may take. */
  readonly maxBytes: number;
  open(): Promise<SpooledLines>;
}

/** Lines of one writer, first in, first out. They are gone with the process: nobody was told that they are kept. */
export interface SpooledLines extends AsyncDisposable {
  /** Batches that wait. */
  readonly waiting: number;
  /** Adds a batch; false when there is no room for it, be it of the ceiling or of the disk. */
  push(lines: readonly NewLogLine[]): Promise<boolean>;
  /** Takes the oldest batch; null when none waits. */
  take(): Promise<readonly NewLogLine[] | null>;
}
