import { setTimeout as sleep } from 'node:timers/promises';
import { lateConnectionsMs } from './naming.ts';

/** When instances lost their names: connections that were on their way to them still have to arrive. */
export interface Nameless {
  lost(instance: string): void;
  /** Resolves when nothing can be on its way to any of these. */
  untilQuiet(instances: readonly string[], signal: AbortSignal): Promise<void>;
  forget(instance: string): void;
}

export function namelessInstances(): Nameless {
  const since = new Map<string, number>();
  return {
    lost: (instance) => void since.set(instance, performance.now()),
    async untilQuiet(instances, signal) {
      const last = Math.max(...instances.map((name) => since.get(name) ?? -lateConnectionsMs));
      const waitMs = last + lateConnectionsMs - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    },
    forget: (instance) => void since.delete(instance),
  };
}
