import { PlatformError } from '@eve/domain';
import type { LogLine, Logs } from '@eve/operations';
import { logChannel } from './channels.ts';
import { type FollowedLog, followedLog } from './log-followed.ts';
import type { Notifications } from './notifications.ts';
import { wake } from './wake.ts';

type Subject = Parameters<Logs['follow']>[0];

export interface LogFollowerOptions {
  readonly notifications: Notifications;
  readonly pollMs: number;
  readonly read: (subject: Subject, after: number) => Promise<readonly LogLine[]>;
}

/** Makes the follow of one process: one subscription for all logs, and for each log one reader whose batches all its followers are given. */
export function logFollower({ notifications, pollMs, read }: LogFollowerOptions): Logs['follow'] {
  // By subject, which is one tenant's; the tenant stands in the key of what is read.
  const logs = new Map<string, Map<string, FollowedLog>>();
  let ears: Disposable | null = null;

  function hear(payload: string): void {
    const [subjectId = '', sequence = ''] = payload.split(' ');
    for (const log of logs.get(subjectId)?.values() ?? []) log.hear(Number(sequence));
  }

  function lookAll(): void {
    for (const ofSubject of logs.values()) for (const log of ofSubject.values()) log.look();
  }

  function listen(): Disposable {
    const listening = notifications.listen(logChannel, { notified: hear, connected: lookAll });
    const poll = setInterval(lookAll, pollMs);
    return {
      [Symbol.dispose]() {
        clearInterval(poll);
        listening[Symbol.dispose]();
      },
    };
  }

  function open({ tenantId, id }: Subject): FollowedLog {
    const ofSubject = logs.get(id) ?? new Map<string, FollowedLog>();
    const known = ofSubject.get(tenantId);
    if (known && !known.failed) return known;
    const log = followedLog((after) => read({ tenantId, id }, after), {
      unused() {
        if (ofSubject.get(tenantId) !== log) return;
        ofSubject.delete(tenantId);
        if (ofSubject.size === 0 && logs.get(id) === ofSubject) logs.delete(id);
        if (logs.size > 0) return;
        ears?.[Symbol.dispose]();
        ears = null;
      },
    });
    logs.set(id, ofSubject.set(tenantId, log));
    ears ??= listen();
    return log;
  }

  return async function* follow(subject, after, signal) {
    if (signal.aborted) return;
    const log = open(subject);
    using place = log.enter(after);
    const leave = () => place.call();
    signal.addEventListener('abort', leave, { once: true });
    using _listener = { [Symbol.dispose]: () => signal.removeEventListener('abort', leave) };
    while (!signal.aborted) {
      const lines = place.next() ?? (place.isBehind ? await place.catchUp().catch(nullWhenAway) : noLines);
      if (signal.aborted) return;
      if (lines === null) await wake().wait(pollMs, signal);
      else if (lines.length > 0) yield lines;
      else if (!place.isBehind) await place.called();
    }
  };
}

const noLines: readonly LogLine[] = [];

// A follower outlasts the database's absence: he loses nothing by asking again for what comes after his last line.
function nullWhenAway(error: unknown): null {
  if (error instanceof PlatformError && error.code === 'database_unavailable') return null;
  throw error;
}
