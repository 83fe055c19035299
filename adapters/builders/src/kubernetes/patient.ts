import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';

const againMs = 500;

/** Asks until the cluster answers: while it does not, builds go on. */
export async function patient<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error)) throw error;
      await sleep(againMs, undefined, { signal }).catch((aborted: unknown) => {
        throw isTimeout(signal) ? error : aborted;
      });
    }
  }
}

/** A time that is over has less to say than what failed until then. */
function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

/** Whether an error only says that something does not answer now. */
export function isAway(error: unknown): boolean {
  return error instanceof PlatformError && error.kind === 'unavailable';
}

/** How long to wait before the nth look at something that usually takes a second. */
export function lookAgainMs(looks: number): number {
  return looks < 30 ? 100 : looks < 60 ? 500 : 1_000;
}
