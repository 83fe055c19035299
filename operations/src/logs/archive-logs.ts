import type { Platform } from '../platform.ts';
import { pause } from '../work/pause.ts';

const everyMs = 15_000;
const perRound = 20;

/**
 * Moves logs of ended build runs and deploys to the blob store, until the signal. What it goes by is the recorded
 * end itself, so that no log is missed, and old ones are caught up with. Any number of processes may do so.
 */
export async function archiveLogs({ logs, log }: Pick<Platform, 'logs' | 'log'>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const moved = await logs.archive({ limit: perRound, signal }).catch((error: unknown) => {
      if (!signal.aborted)
        log.warn({ error: error instanceof Error ? error.message : String(error) }, 'logs could not be archived');
      return 0;
    });
    if (moved < perRound) await pause(everyMs, signal);
  }
}
