import type { BuildFailure } from './build-failure.ts';
import type { RetryPolicy } from './build-spec.ts';

/** What a spec may ask for at most, and what holds when it says nothing (builderd seed). */
export const retryBounds = { maxRetries: 3, initialDelayMs: 30_000, maxDelayMs: 300_000 } as const;

/** Whether a failure passes by itself, so that the same run is tried again: the seed's classes, and what is our own fault. */
export function isRetried({ code, retryClass }: Pick<BuildFailure, 'code' | 'retryClass'>): boolean {
  return retryClass !== null || code === 'infrastructure_error';
}

/** The policy with its defaults, inside its bounds. */
export function boundedRetryPolicy(policy: RetryPolicy | undefined): Required<RetryPolicy> {
  const maxDelayMs = Math.min(policy?.maxDelayMs ?? retryBounds.maxDelayMs, retryBounds.maxDelayMs);
  return {
    maxRetries: Math.min(policy?.maxRetries ?? retryBounds.maxRetries, retryBounds.maxRetries),
    initialDelayMs: Math.min(policy?.initialDelayMs ?? retryBounds.initialDelayMs, maxDelayMs),
    maxDelayMs,
  };
}

/** How long a run that was tried again so often waits before it is once more; null: not again. */
export function retryDelayMs(policy: RetryPolicy | undefined, retries: number): number | null {
  const { maxRetries, initialDelayMs, maxDelayMs } = boundedRetryPolicy(policy);
  return retries >= maxRetries ? null : Math.min(initialDelayMs * 2 ** retries, maxDelayMs);
}
