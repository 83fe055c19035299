/** Remembers one ring until somebody waits for it, so that none is missed between two waits. */
export interface Bell {
  ring(): void;
  /** Resolves at a ring or when the signal ends it; never rejects. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Makes a bell for one waiter. */
export function bell(): Bell {
  let hasRung = false;
  let resume: (() => void) | null = null;
  return {
    ring() {
      hasRung = true;
      resume?.();
    },
    async wait(signal) {
      if (!hasRung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        resume = resolve;
        const onAbort = () => resolve();
        signal.addEventListener('abort', onAbort, { once: true });
        await promise;
        signal.removeEventListener('abort', onAbort);
        resume = null;
      }
      hasRung = false;
    },
  };
}
