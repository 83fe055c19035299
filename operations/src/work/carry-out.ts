import { PlatformError } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { ClaimedWork, Heartbeats } from '../ports/work-queue.ts';
import { isLeaseLost, patiently } from './patiently.ts';
import type { WorkerOptions } from './worker-options.ts';

/** What one piece of work is carried out with. */
export interface CarryOutOptions extends Pick<WorkerOptions, 'handlers' | 'giveUp'> {
  readonly beats: Heartbeats;
  /** Ends handlers when the worker has waited long enough for them. */
  readonly stopping: AbortSignal;
}

const attemptsWithErrors = 5;
// Work whose worker dies every time never throws: it must come to an end as well.
const attemptsAtAll = 10;
const longestBackoffMs = 60_000;

/** Runs a handler under a lease that is kept alive. Never throws: what went wrong decides what becomes of the work. */
export async function carryOut(
  { store, log }: Pick<Platform, 'store' | 'log'>,
  { handlers, giveUp, beats, stopping }: CarryOutOptions,
  work: ClaimedWork,
): Promise<void> {
  const about = { workId: work.lease.workId, kind: work.kind, subject: work.id, attempt: work.attempt };
  const lost = new AbortController();
  const cancelled = new AbortController();
  const ended = AbortSignal.any([lost.signal, stopping]);
  using _held = beats.hold(work.lease, {
    lost: () => lost.abort(new PlatformError('lease_lost', `The lease on ${work.lease.workId} is gone.`)),
    cancelled: () => cancelled.abort(),
  });

  try {
    if (work.attempt > attemptsAtAll) throw new Error('The work was begun too often without an end.');
    await handlers[work.kind](work, ended, cancelled.signal);
  } catch (error) {
    await answer(error).catch((failure: unknown) => {
      // The lease runs out, and the work is taken up again.
      if (!isLeaseLost(failure)) log.error({ ...about, error: failure }, 'work could not be given back');
    });
  }

  async function answer(error: unknown): Promise<void> {
    if (lost.signal.aborted || isLeaseLost(error)) {
      log.warn(about, 'the lease on work was lost');
      return;
    }
    if (stopping.aborted) {
      log.info(about, 'work is given back because the worker stops');
      return store.queue.requeue(work.lease, 0, 'free_worker');
    }
    log.error({ ...about, error }, 'work failed');
    if (work.attempt < attemptsWithErrors) return retryAfter(backoffMs(work.attempt));
    await patiently(() => giveUp[work.kind](work, error), ended).catch((failure: unknown) => {
      if (isLeaseLost(failure)) throw failure;
      log.error({ ...about, error: failure }, 'work could not be given up');
      return retryAfter(longestBackoffMs);
    });
  }

  function retryAfter(delayMs: number): Promise<void> {
    return patiently(() => store.queue.requeue(work.lease, delayMs, 'retry_delay'), ended);
  }
}

/** How long work waits after an attempt that threw. */
export function backoffMs(attempt: number): number {
  return Math.min(1000 * 2 ** attempt, longestBackoffMs);
}
