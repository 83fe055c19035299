import type { Context } from '../context.ts';
import { exitCodes } from '../failure.ts';

/** How to come back to what goes on without us, and how to stop it. */
export interface WayBack {
  readonly what: string;
  readonly follow: string;
  readonly cancel: string | null;
}

/** Follows something. Ctrl-C or the end of our time leaves it running, and says so. */
export async function followed(
  context: Context,
  wayBack: () => WayBack,
  timeoutSeconds: number | undefined,
  act: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  return context.following(async (interrupted) => {
    const late = timeoutSeconds === undefined ? null : AbortSignal.timeout(timeoutSeconds * 1000);
    const signal = late ? AbortSignal.any([interrupted, late]) : interrupted;
    try {
      return await act(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      const { what, follow, cancel } = wayBack();
      const why = interrupted.aborted ? 'Detached' : `Not finished after ${timeoutSeconds} s`;
      context.warn(
        [`${why}: ${what} goes on.`, `  Follow it: ${follow}`, ...(cancel ? [`  Cancel it: ${cancel}`] : [])].join(
          '\n',
        ),
      );
      return interrupted.aborted ? exitCodes.interrupted : exitCodes.tryAgain;
    }
  });
}
