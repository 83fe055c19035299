import type { RegistryLogin } from './builder.ts';
import type { Lease } from './work-queue.ts';

/** A container that runs to its end. */
export interface RunnerPlan {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  /** The environment's network, for release commands and jobs; null for none. */
  readonly place: string | null;
  readonly login: RegistryLogin | null;
  readonly limits: { readonly memoryBytes: number | null; readonly cpus: number | null };
}

export type RunnerEvent =
  | { readonly type: 'log'; readonly stream: 'stdout' | 'stderr'; readonly text: string; readonly at: Date }
  | { readonly type: 'exited'; readonly code: number; readonly outOfMemory: boolean };

/** Runs containers to completion: pipeline steps, release commands, tests of builds. */
export interface Runner {
  /** Starts the work unless a container of this name already does it. */
  ensure(plan: RunnerPlan, lease: Lease): Promise<string>;
  follow(ref: string, cursor: string | null, signal: AbortSignal): AsyncIterable<RunnerEvent>;
  /** Resolves when nothing of it runs any more; removes it. */
  stop(ref: string): Promise<void>;
  list(): Promise<readonly string[]>;
}
