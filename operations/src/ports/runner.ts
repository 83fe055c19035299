import type { EnvironmentId } from '@eve/domain';
import type { RegistryLogin } from './builder.ts';
import type { Lease } from './work-queue.ts';

/** A container that runs to its end. */
export interface RunnerPlan {
  /** At most one run ever has it, until it is stopped: whoever asks again gets that one, also when it has ended. */
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[] | null;
  /** Instead of the image's own, as the service has it. */
  readonly entrypoint?: readonly string[] | null;
  readonly user?: string | null;
  readonly workingDir?: string | null;
  readonly environment: Readonly<Record<string, string>>;
  /** The environment's network, for release commands and jobs; null for none. */
  readonly place: string | null;
  /** Whose it is, so that it goes with its environment. */
  readonly environmentId?: EnvironmentId;
  readonly login: RegistryLogin | null;
  readonly limits: { readonly memoryBytes: number | null; readonly cpus: number | null };
}

export type RunnerEvent =
  | {
      readonly type: 'log';
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
      readonly at: Date;
      readonly cursor?: string;
    }
  | { readonly type: 'exited'; readonly code: number; readonly outOfMemory: boolean };

/** Runs containers to completion: pipeline steps, release commands, tests of builds. */
export interface Runner {
  /**
   * Starts the work unless a container of this name already does it. Throws `record_changed`, as `follow` does, for what has begun
   * and was lost before its end: it is not begun anew.
   */
  ensure(plan: RunnerPlan, lease: Lease): Promise<string>;
  /** What it printed, from its start or after the cursor of an event that was seen, and at last how it exited; also when that was long ago. */
  follow(ref: string, cursor: string | null, signal: AbortSignal): AsyncIterable<RunnerEvent>;
  /** Resolves when nothing of it runs any more; removes it. */
  stop(ref: string): Promise<void>;
  list(): Promise<readonly string[]>;
}
