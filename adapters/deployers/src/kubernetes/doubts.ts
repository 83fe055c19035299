import type { Suspicion } from './suspicion.ts';

/** Suspicions while they last: only one that is seen for as long as its patience says is a failure. */
export interface Doubts<About> {
  /** All that is suspected now. Answers with what has lasted, and with what is new and will be waited for. */
  hear(suspected: readonly (readonly [About, Suspicion])[], atMs: number): Heard<About>;
}

export interface Heard<About> {
  readonly lasted: readonly [About, Suspicion] | null;
  readonly begun: readonly Suspicion[];
}

/** Suspicions of nothing yet. */
export function doubts<About>(keyOf: (about: About) => string): Doubts<About> {
  let known = new Map<string, number>();
  return {
    hear(suspected, atMs) {
      const next = new Map<string, number>();
      const begun: Suspicion[] = [];
      let lasted: readonly [About, Suspicion] | null = null;
      for (const [about, suspicion] of suspected) {
        const key = `${keyOf(about)} ${suspicion.code}`;
        const since = known.get(key);
        next.set(key, since ?? atMs);
        if (since === undefined) begun.push(suspicion);
        if (atMs - (since ?? atMs) >= suspicion.patienceMs) lasted ??= [about, suspicion];
      }
      known = next;
      return { lasted, begun };
    },
  };
}
