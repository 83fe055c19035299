import { pause } from '../work/pause.ts';

/** What several sources put in, taken out by one reader in groups. */
export interface LineQueue<Item> {
  /** Resolves at once while there is room, else when there is again, or at the signal. */
  put(item: Item, signal?: AbortSignal): Promise<void>;
  /** All that came, and what comes within `gatherMs` after the first of it; null after the end, and at the signal. Throws what it failed with. */
  take(gatherMs: number, signal: AbortSignal): Promise<Item[] | null>;
  end(): void;
  fail(error: unknown): void;
}

const room = 2000;

/** An empty queue. */
export function lineQueue<Item>(): LineQueue<Item> {
  let items: Item[] = [];
  let end: { readonly error?: unknown } | null = null;
  let changed = Promise.withResolvers<void>();
  const tell = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const untilChanged = async (signal?: AbortSignal) => {
    if (!signal) return changed.promise;
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener('abort', abort, { once: true });
    await Promise.race([changed.promise, aborted.promise]);
    signal.removeEventListener('abort', abort);
  };
  return {
    async put(item, signal) {
      while (signal && items.length >= room && !signal.aborted) await untilChanged(signal);
      items.push(item);
      tell();
    },
    async take(gatherMs, signal) {
      while (items.length === 0 && !end && !signal.aborted) await untilChanged(signal);
      if (signal.aborted) return null;
      if (items.length > 0 && !end) await pause(gatherMs, signal);
      const taken = items;
      items = [];
      tell();
      if (taken.length > 0) return taken;
      if (end && 'error' in end) throw end.error;
      return null;
    },
    end() {
      end ??= {};
      tell();
    },
    fail(error) {
      end ??= { error };
      tell();
    },
  };
}
