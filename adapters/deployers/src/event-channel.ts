/** Lets several things that run at once report into one sequence. */
export interface EventChannel<T> {
  push(value: T): void;
  end(): void;
  fail(error: unknown): void;
  values(): AsyncGenerator<T>;
}

/** An empty channel for one reader. */
export function eventChannel<T>(): EventChannel<T> {
  const waiting: T[] = [];
  let ended: { readonly error?: unknown; readonly failed: boolean } | null = null;
  let wake = Promise.withResolvers<void>();
  const close = (end: typeof ended) => {
    ended ??= end;
    wake.resolve();
  };
  return {
    push(value) {
      waiting.push(value);
      wake.resolve();
    },
    end: () => close({ failed: false }),
    fail: (error) => close({ failed: true, error }),
    async *values() {
      for (;;) {
        for (let value = waiting.shift(); value !== undefined; value = waiting.shift()) yield value;
        const state = ended as { readonly error?: unknown; readonly failed: boolean } | null;
        if (state?.failed) throw state.error;
        if (state) return;
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    },
  };
}
