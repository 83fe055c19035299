import type { BuildRun, BuildUsage } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { Lease } from '../ports/work-queue.ts';
import { isAway, isLeaseLost } from '../work/patiently.ts';

const usageEveryMs = 3_000;

type Shown = Pick<BuildRun, 'phase' | 'notes' | 'runnerRef' | 'limits' | 'usage' | 'verification'>;

/** A run under way, as it was last written, and how what is only shown of it gets written. */
export interface RunRecord {
  readonly run: BuildRun;
  /** Writes what has changed. A database that is away is not waited for: the next note, or the end, has it as well. */
  note(change: Partial<Shown>): Promise<void>;
  /** Counts what one of its builds has used so far; written every few seconds and with the end. */
  use(build: string, usage: BuildUsage): void;
}

/** Makes the record of a run that has begun. */
export function runRecord({ store }: Pick<Platform, 'store'>, begun: BuildRun, lease: Lease): RunRecord {
  let run = begun;
  let notedAt = performance.now();
  const used = new Map<string, BuildUsage>();

  const write = async () => {
    notedAt = performance.now();
    await store.buildRuns.note(run, lease).catch((error: unknown) => {
      // The heartbeat says whether the lease is gone: after an outage it counts as run out for a moment.
      if (!isAway(error) && !isLeaseLost(error)) throw error;
    });
  };
  return {
    get run() {
      return run;
    },
    async note(change) {
      run = { ...run, ...change };
      await write();
    },
    use(build, usage) {
      used.set(build, usage);
      run = { ...run, usage: totalUsage([...used.values()]) };
      // Whether the lease still holds is for those to find out whose writes matter.
      if (performance.now() - notedAt >= usageEveryMs) void write().catch(() => {});
    },
  };
}

/** Services are built side by side: what they used adds up. */
function totalUsage(used: readonly BuildUsage[]): BuildUsage {
  const sum = (of: (usage: BuildUsage) => number) => used.reduce((total, usage) => total + of(usage), 0);
  return {
    peakMemoryBytes: sum(({ peakMemoryBytes }) => peakMemoryBytes),
    cpuMs: sum(({ cpuMs }) => cpuMs),
    diskReadBytes: sum(({ diskReadBytes }) => diskReadBytes),
    diskWrittenBytes: sum(({ diskWrittenBytes }) => diskWrittenBytes),
  };
}
