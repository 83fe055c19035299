import type { BuildContext } from './build-context.ts';

interface Amount {
  readonly memoryBytes: number | null;
  readonly cpus: number | null;
}

/** What one build may use, handed out to its services. */
export interface BuildShare {
  /** Resolves when that much is free; disposing gives it back. */
  take(amount: Amount, signal: AbortSignal): Promise<Disposable>;
}

/** The share of a run: where the engine holds builds to limits, no more services run at once than have room in it together. */
export function buildShare({ limits, capabilities }: Pick<BuildContext, 'limits' | 'capabilities'>): BuildShare {
  const free = capabilities.limits
    ? { ...limits.whole }
    : { memoryBytes: Number.POSITIVE_INFINITY, cpus: Number.POSITIVE_INFINITY };
  let changed = Promise.withResolvers<void>();

  return {
    async take(amount, signal) {
      const memoryBytes = amount.memoryBytes ?? 0;
      const cpus = amount.cpus ?? 0;
      while (memoryBytes > free.memoryBytes || cpus > free.cpus) await changed.promise;
      signal.throwIfAborted();
      free.memoryBytes -= memoryBytes;
      free.cpus -= cpus;
      return {
        [Symbol.dispose]() {
          free.memoryBytes += memoryBytes;
          free.cpus += cpus;
          changed.resolve();
          changed = Promise.withResolvers();
        },
      };
    },
  };
}
