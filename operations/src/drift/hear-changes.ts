import type { EnvironmentId } from '@eve/domain';
import type { Platform } from '../platform.ts';
import { bell } from '../work/bell.ts';
import { pause } from '../work/pause.ts';

const gatherMs = 500;
const againMs = 5_000;

/** What a runtime tells of its changes, for one listener. */
export interface Heard {
  /** Waits at most so long; answers with the environments in which something changed, none where the time is over. */
  within(ms: number, signal: AbortSignal): Promise<ReadonlySet<EnvironmentId>>;
}

/** Listens to the runtime until the signal. One that tells nothing, or whose telling breaks off, is only silent. */
export function hearChanges({ deployer, log }: Pick<Platform, 'deployer' | 'log'>, signal: AbortSignal): Heard {
  const changed = new Set<EnvironmentId>();
  const ring = bell();
  void listen();

  async function listen(): Promise<void> {
    let isBroken = false;
    while (deployer.changes && !signal.aborted) {
      try {
        for await (const id of deployer.changes(signal)) {
          isBroken = false;
          changed.add(id);
          ring.ring();
        }
      } catch (error) {
        if (!signal.aborted && !isBroken)
          log.warn({ error }, 'changes of what runs are not heard; it is looked at by time');
        isBroken = true;
      }
      await pause(againMs, signal);
    }
  }

  return {
    async within(ms, until) {
      const over = new AbortController();
      const timer = setTimeout(() => over.abort(), Math.max(0, ms));
      await ring.wait(AbortSignal.any([until, over.signal]));
      clearTimeout(timer);
      // Changes come in bursts.
      if (changed.size > 0) await pause(gatherMs, until);
      const all = new Set(changed);
      changed.clear();
      return all;
    },
  };
}
