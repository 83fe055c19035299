import { PlatformError } from '@eve/domain';
import { pause } from './pause.ts';

const shortestPauseMs = 50;
const longestPauseMs = 1_000;
// The heartbeat renews a lease soon after the database is back, or says that it is gone by ending the signal.
const renewalMs = 15_000;

/**
 * Repeats an act on the database for as long as that is away and the signal, which ends when the lease is lost, does not.
 * The act may have been done although its answer was lost: it must look at what is recorded before it writes.
 * A lease that counts as run out right after an outage is not believed to be gone before the heartbeat says so.
 */
export async function patiently<Result>(act: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  let pauseMs = shortestPauseMs;
  let backAtMs: number | null = null;
  let hasBeenAway = false;
  while (true) {
    try {
      return await act();
    } catch (error) {
      if (signal.aborted) throw error;
      if (isAway(error)) {
        hasBeenAway = true;
        backAtMs = null;
      } else if (hasBeenAway && isLeaseLost(error)) {
        backAtMs ??= performance.now();
        if (performance.now() - backAtMs > renewalMs) throw error;
        pauseMs = shortestPauseMs;
      } else throw error;
      await pause(pauseMs, signal);
      if (signal.aborted) throw error;
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
}

/** Whether the database could not be reached: an outage, not an answer. */
export function isAway(error: unknown): boolean {
  return error instanceof PlatformError && error.code === 'database_unavailable';
}

/** Whether somebody else may have the work by now. */
export function isLeaseLost(error: unknown): boolean {
  return error instanceof PlatformError && error.code === 'lease_lost';
}
