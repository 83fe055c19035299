import { BuildFailed, type BuildFailure } from '@eve/domain';

/** The time that the present part of a build may take. */
export interface BuildDeadline extends Disposable {
  /** Ends once it is missed. */
  readonly signal: AbortSignal;
  /** What the run fails with, once it is missed. */
  missed(): BuildFailure | null;
  /** Begins the next part, with a time of its own. */
  begin(ms: number, failure: BuildFailure): void;
}

/** Makes a deadline; nothing is timed before the first part begins. */
export function buildDeadline(): BuildDeadline {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let missed: BuildFailure | null = null;
  return {
    signal: late.signal,
    missed: () => missed,
    begin(ms, failure) {
      clearTimeout(timer);
      if (late.signal.aborted) return;
      timer = setTimeout(() => {
        missed = failure;
        late.abort(new BuildFailed(failure));
      }, ms);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
