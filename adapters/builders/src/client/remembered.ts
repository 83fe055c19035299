import { abortOf } from './builds.ts';

const lastsMs = 60_000;

/** Asks once a minute for each name; what failed is asked again at once. Who stops waiting leaves the question to the others. */
export function remembered<T>(ask: (name: string) => Promise<T>): (name: string, signal?: AbortSignal) => Promise<T> {
  const known = new Map<string, { at: number; answer: Promise<T> }>();

  const answerFor = (name: string): Promise<T> => {
    const found = known.get(name);
    if (found && performance.now() - found.at < lastsMs) return found.answer;
    const asked = { at: performance.now(), answer: ask(name) };
    known.set(name, asked);
    asked.answer.catch(() => {
      if (known.get(name) === asked) known.delete(name);
    });
    return asked.answer;
  };

  return async (name, signal) => {
    signal?.throwIfAborted();
    if (!signal) return answerFor(name);
    const aborted = abortOf(signal);
    try {
      return await Promise.race([answerFor(name), aborted.promise]);
    } finally {
      aborted.release();
    }
  };
}
