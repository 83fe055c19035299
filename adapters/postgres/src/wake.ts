/** Remembers one call until somebody waits for it: what comes between two waits is not missed. */
export interface Wake {
  call(): void;
  /** Resolves at a call, after the time, or when the signal ends it; never rejects. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** Makes a wake for one waiter. */
export function wake(): Wake {
  let called = false;
  let resume: (() => void) | null = null;
  return {
    call() {
      called = true;
      resume?.();
    },
    async wait(timeoutMs, signal) {
      if (!called && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, timeoutMs);
        const onAbort = () => resolve();
        signal.addEventListener('abort', onAbort, { once: true });
        resume = resolve;
        await promise;
        resume = null;
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      }
      called = false;
    },
  };
}
