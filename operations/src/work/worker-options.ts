import type { ClaimedWork, WorkClass, WorkKind } from '../ports/work-queue.ts';

/** Carries out work and settles it in its last transaction. `signal` ends it at once, without a trace in the records; `cancelled` asks for a recorded end. */
export type WorkHandler = (work: ClaimedWork, signal: AbortSignal, cancelled: AbortSignal) => Promise<void>;

/** Ends the record of work that failed too often, and settles it. */
export type GiveUp = (work: ClaimedWork, error: unknown) => Promise<void>;

/** A worker: its name, how much it takes on, and what it does with it. */
export interface WorkerOptions {
  readonly worker: string;
  readonly slots: Readonly<Record<WorkClass, number>>;
  readonly handlers: Readonly<Record<WorkKind, WorkHandler>>;
  readonly giveUp: Readonly<Record<WorkKind, GiveUp>>;
  /** 10 s unless said. */
  readonly leaseMs?: number;
  /** How long running handlers may finish after a stop before their work is given back to other workers; 10 s unless said. */
  readonly graceMs?: number;
  /** How long ended handlers may take to give their work back; 10 s unless said. */
  readonly giveBackMs?: number;
}
