/** One step of a Dockerfile, or of what the engine does around it, as it went in one attempt. */
export interface BuildStep {
  readonly service: string;
  readonly attempt: number;
  /** In the order in which they began, from 1. */
  readonly index: number;
  /** As the engine names it, such as `[deps 3/5] RUN npm ci`. */
  readonly name: string;
  readonly state: 'running' | 'cached' | 'done' | 'failed';
  /** Why it was not taken from the cache; null when it was, or when nobody can tell. */
  readonly cacheReason: string | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly error: string | null;
}
