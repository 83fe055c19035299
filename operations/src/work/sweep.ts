import type { Platform } from '../platform.ts';
import { pause } from './pause.ts';

/** Queues delayed work in time and frees work of dead workers, until the signal. Any number of processes may do so. */
export async function sweepQueue(
  { queue, log }: Pick<Platform, 'queue' | 'log'>,
  { leaseMs = 10_000 }: { leaseMs?: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await queue.sweep({ leaseMs }).catch((error: unknown) => {
      log.warn({ error: error instanceof Error ? error.message : String(error) }, 'the queue could not be swept');
    });
    await pause(leaseMs / 4, signal);
  }
}
