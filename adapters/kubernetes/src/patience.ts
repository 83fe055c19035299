import { setTimeout as sleep } from 'node:timers/promises';
import { unreachable } from './error.ts';

const longestWaitMs = 5_000;

/** How long something that goes on by itself bears failures in a row. */
export class Patience {
  readonly #patienceMs: number;
  #failingSince: number | null = null;
  #failures = 0;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  succeeded(): void {
    this.#failingSince = null;
    this.#failures = 0;
  }

  /** Waits longer with each failure in a row; throws this one's error when there have been failures for too long. */
  async wait(error: unknown, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    this.#failingSince ??= now;
    this.#failures++;
    if (now - this.#failingSince > this.#patienceMs) throw error;
    const waitMs = Math.min(longestWaitMs, 100 * 2 ** Math.min(this.#failures, 10)) * (0.5 + Math.random());
    await sleep(waitMs, undefined, { signal });
  }
}

/** The error of a stream that broke in the middle. */
export function brokenOff(error: unknown, server: string): Error {
  return unreachable(server, `the connection broke (${error instanceof Error ? error.message : String(error)})`, error);
}
