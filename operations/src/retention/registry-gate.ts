import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { LockName } from '../ports/retention-records.ts';
import type { Records } from '../ports/store.ts';

/** How long a lock stays when whoever held it died. */
const heldMs = 60_000;
const renewMs = 15_000;
const lookMs = 500;
/** How long a release waits for the gate at most: the storage is collected within seconds. */
const patienceMs = 60_000;

type Needs = Pick<Platform, 'store' | 'queue' | 'newId' | 'log'>;

/** Nothing is pushed to the registry that Eve runs, and no release is made, while it is closed. */
export interface ClosedGate extends AsyncDisposable {
  /** Ends when the gate could not be held. */
  readonly signal: AbortSignal;
}

/**
 * Closes the registry to pushes: builds that have not begun wait, and what is under way is waited for first. Null when that
 * takes longer than `waitMs`, or when another process has closed it.
 */
export async function closeRegistryGate(
  platform: Needs,
  waitMs: number,
  signal: AbortSignal,
): Promise<ClosedGate | null> {
  await using closing = new AsyncDisposableStack();
  const quiet = await hold(platform, 'build_starts', signal);
  if (!quiet) return null;
  closing.use(quiet);
  const until = Date.now() + waitMs;
  while (await isBuilding(platform)) {
    if (Date.now() >= until) return null;
    await sleep(lookMs, undefined, { signal: quiet.signal });
  }
  const closed = await hold(platform, 'registry_pushes', quiet.signal);
  if (!closed) return null;
  closing.use(closed);
  const held = closing.move();
  return { signal: closed.signal, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Holds a lock until it is disposed of; null when another process has it. The signal ends when it is lost. */
export async function hold(
  { store, newId, log }: Needs,
  name: LockName,
  signal: AbortSignal,
  restMs = 0,
): Promise<ClosedGate | null> {
  const holder = newId('lock');
  if (!(await store.locks.take(name, holder, { forMs: heldMs, restMs }))) return null;
  const lost = new AbortController();
  const renewing = setInterval(async () => {
    try {
      if (await store.locks.take(name, holder, { forMs: heldMs })) return;
      lost.abort(new PlatformError('record_changed', `Another process has taken the lock "${name}".`));
    } catch (error) {
      // Until the time it was taken for has passed it is still ours.
      log.warn({ name, error: String(error) }, 'a lock could not be renewed');
    }
  }, renewMs);
  return {
    signal: AbortSignal.any([signal, lost.signal]),
    async [Symbol.asyncDispose]() {
      clearInterval(renewing);
      await store.locks.release(name, holder);
    },
  };
}

/** Whether builds that have not begun have to wait. */
export async function areBuildsHeld({ store }: Pick<Platform, 'store'>): Promise<boolean> {
  return (await store.locks.look('build_starts')).held;
}

/** Throws `registry_unavailable` while nothing may be pushed. */
export async function refuseWhileClosed({ store }: Pick<Platform, 'store'>): Promise<void> {
  if (!(await store.locks.look('registry_pushes')).held) return;
  throw new PlatformError('registry_unavailable', 'The registry is being cleaned up: push again in a minute.');
}

/**
 * Makes something that names images which it has looked for, such as a release: nothing is collected between the look and the
 * transaction, which has to call `unchanged`. Looks again where something was. Throws `registry_unavailable`.
 */
export async function whileImagesStay<Result>(
  { store }: Pick<Platform, 'store'>,
  act: (unchanged: (records: Pick<Records, 'locks'>) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const before = await store.locks.look('registry_pushes');
    if (!before.held) {
      try {
        return await act(async ({ locks }) => {
          const after = await locks.look('registry_pushes');
          if (after.held || after.times !== before.times) throw new ImagesCollected();
        });
      } catch (error) {
        if (!(error instanceof ImagesCollected)) throw error;
      }
    }
    if (Date.now() >= until) {
      throw new PlatformError(
        'registry_unavailable',
        'The registry is being cleaned up: nothing is released for a minute. Try again.',
      );
    }
    await sleep(lookMs);
  }
}

class ImagesCollected extends Error {
  override readonly name = 'ImagesCollected';
}

/** What runs comes first in the queue. */
async function isBuilding({ queue }: Pick<Platform, 'queue'>): Promise<boolean> {
  const { items } = await queue.list(null, { classes: ['build'], limit: 1 });
  return items[0]?.state === 'running';
}
