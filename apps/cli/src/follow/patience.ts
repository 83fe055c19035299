import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '@eve/protocol-rest/client';
import { exitCodes } from '../failure.ts';
import { exitCodeOf } from '../report.ts';

const longestSilenceMs = 60_000;

/** Asks again and again until the answer is an end. An outage of less than a minute is waited out. */
export async function pollUntil<Answer>(
  ask: () => Promise<Answer>,
  isEnd: (answer: Answer) => boolean | Promise<boolean>,
  { signal, pauseMs = 500 }: { signal: AbortSignal; pauseMs?: number },
): Promise<Answer> {
  let heardAt = Date.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      const answer = await ask();
      heardAt = Date.now();
      if (await isEnd(answer)) return answer;
    } catch (error) {
      if (!isPassing(error) || Date.now() - heardAt > longestSilenceMs) throw error;
    }
    await sleep(pauseMs, undefined, { signal });
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.status >= 500 || exitCodeOf(error) === exitCodes.tryAgain);
}
