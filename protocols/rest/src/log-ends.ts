import { PlatformError } from '@eve/domain';
import type { OpenLog } from './operations.ts';

/** The final state of a log's thing. */
export type LogEnd = NonNullable<Awaited<ReturnType<OpenLog['finished']>>>;

/** Watches the things whose logs are followed, for all followers of one together. */
export interface LogEnds {
  /** Begins to watch; `waiting` is told whenever the reason to wait changed, until the first line. */
  watch(log: OpenLog, waiting: ((reason: string | null) => void) | null): LogWatch;
}

/** What one follower knows of the end. */
export interface LogWatch extends Disposable {
  /** Resolves once the log's thing has ended, after which no line is added. */
  readonly ended: Promise<LogEnd>;
  /** Told that a line came. */
  heard(): void;
}

const quietMs = 100;
const shortestPauseMs = 100;
const longestPauseMs = 2_000;

interface Watcher {
  readonly log: OpenLog;
  readonly resolve: (end: LogEnd) => void;
  readonly reject: (error: unknown) => void;
  /** Until its first line. */
  waiting: ((reason: string | null) => void) | null;
}

/** What is watched, by all who follow its log. */
interface Watched {
  readonly watchers: Set<Watcher>;
  heardAt: number;
  /** Ends a nap. */
  wake: () => void;
}

/** Makes the watch of one server. */
export function logEnds(): LogEnds {
  const all = new Map<string, Watched>();

  function open(key: string): Watched {
    const known = all.get(key);
    if (known) return known;
    const watched: Watched = { watchers: new Set(), heardAt: 0, wake: () => {} };
    all.set(key, watched);
    return watched;
  }

  function forget(key: string, watched: Watched): void {
    if (all.get(key) === watched) all.delete(key);
  }

  return {
    watch(log, waiting) {
      const key = `${log.subject.tenantId} ${log.subject.id}`;
      const watched = open(key);
      const { promise, resolve, reject } = Promise.withResolvers<LogEnd>();
      promise.catch(() => {}); // who has left does not ask any more
      const watcher: Watcher = { log, resolve, reject, waiting };
      watched.watchers.add(watcher);
      watched.wake();
      if (watched.watchers.size === 1) {
        // Nobody may join a watch that is over.
        const tell = (told: (watcher: Watcher) => void) => {
          forget(key, watched);
          watched.watchers.forEach(told);
        };
        untilEnd(watched).then(
          (end) => tell((one) => end && one.resolve(end)),
          (error: unknown) => tell((one) => one.reject(error)),
        );
      }
      return {
        ended: promise,
        heard() {
          watcher.waiting = null;
          watched.heardAt = performance.now();
          watched.wake();
        },
        [Symbol.dispose]() {
          watched.watchers.delete(watcher);
          if (watched.watchers.size > 0) return;
          forget(key, watched);
          watched.wake();
        },
      };
    },
  };
}

/** The end, asked for once the log falls quiet after a line, and ever more seldom in silence; null when nobody watches any more. */
async function untilEnd(watched: Watched): Promise<LogEnd | null> {
  const { watchers } = watched;
  let pause = shortestPauseMs;
  while (watchers.size > 0) {
    const woken = await nap(watched, pause);
    for (let waited = 0; isSpeaking(watched) && waited < longestPauseMs; waited += quietMs) await quiet();
    const [watcher] = watchers;
    if (!watcher) return null;
    const silent = [...watchers].filter(({ waiting }) => waiting !== null);
    // While the database is away nothing ends: the followers wait with us.
    const [end, reason] = await Promise.all([
      watcher.log.finished(),
      silent.length > 0 ? watcher.log.waiting() : undefined,
    ]).catch(nothingWhenAway);
    if (end) return end;
    if (reason !== undefined) for (const { waiting } of silent) waiting?.(reason);
    pause = woken ? shortestPauseMs : Math.min(longestPauseMs, pause * 2);
  }
  return null;
}

function isSpeaking({ heardAt, watchers }: Watched): boolean {
  return watchers.size > 0 && heardAt > 0 && performance.now() - heardAt < quietMs;
}

/** Waits for a time or the next line or follower; answers whether it was woken. */
function nap(watched: Watched, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  watched.wake = () => {
    clearTimeout(timer);
    resolve(true);
  };
  return promise;
}

function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, quietMs));
}

function nothingWhenAway(error: unknown): [null, undefined] {
  if (error instanceof PlatformError && error.code === 'database_unavailable') return [null, undefined];
  throw error;
}
