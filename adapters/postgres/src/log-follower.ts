import { PlatformError } from '@eve/domain';
import type { LogLine, Logs } from '@eve/operations';
import { logChannel } from './channels.ts';
import { pageLines } from './log-reader.ts';
import type { Notifications } from './notifications.ts';
import { wake } from './wake.ts';

type Subject = Parameters<Logs['follow']>[0];

export interface LogFollowerOptions {
  readonly notifications: Notifications;
  readonly pollMs: number;
  readonly read: (subject: Subject, after: number) => Promise<readonly LogLine[]>;
}

interface Follower {
  /** The newest sequence heard of. */
  known: number;
  readonly called: ReturnType<typeof wake>;
}

/** Makes the follow of one process: one subscription for all followers, one read for all who are at the same line. */
export function logFollower({ notifications, pollMs, read }: LogFollowerOptions): Logs['follow'] {
  const followers = new Map<string, Set<Follower>>();
  const reads = new Map<string, Promise<readonly LogLine[]>>();
  let listening: Disposable | null = null;

  function hear(payload: string): void {
    const [subjectId = '', sequence = ''] = payload.split(' ');
    for (const follower of followers.get(subjectId) ?? []) {
      follower.known = Math.max(follower.known, Number(sequence));
      follower.called.call();
    }
  }

  function lookAll(): void {
    for (const group of followers.values()) for (const follower of group) follower.called.call();
  }

  function enter(subjectId: string): { follower: Follower } & Disposable {
    const follower: Follower = { known: 0, called: wake() };
    const group = followers.get(subjectId) ?? new Set();
    followers.set(subjectId, group.add(follower));
    listening ??= notifications.listen(logChannel, { notified: hear, connected: lookAll });
    return {
      follower,
      [Symbol.dispose]() {
        group.delete(follower);
        if (group.size === 0 && followers.get(subjectId) === group) followers.delete(subjectId);
        if (followers.size > 0) return;
        listening?.[Symbol.dispose]();
        listening = null;
      },
    };
  }

  function sharedRead(subject: Subject, after: number): Promise<readonly LogLine[]> {
    const key = `${subject.tenantId} ${subject.id} ${after}`;
    const running = reads.get(key);
    if (running) return running;
    const started = read(subject, after).finally(() => reads.delete(key));
    reads.set(key, started);
    return started;
  }

  return async function* follow(subject, after, signal) {
    using place = enter(subject.id);
    const { follower } = place;
    let last = after;
    let mayShare = false;
    while (!signal.aborted) {
      const heard = follower.known;
      const lines: readonly LogLine[] | null = await (mayShare ? sharedRead(subject, last) : read(subject, last)).catch(
        nullWhenAway,
      );
      if (signal.aborted) return;
      if (lines === null) {
        mayShare = false;
        await wake().wait(pollMs, signal);
        continue;
      }
      if (lines.length > 0) {
        last = lines.at(-1)?.sequence ?? last;
        yield lines;
      } else if (!mayShare && follower.known === heard) follower.known = last;
      // A shared read that began before what he was told of: he reads for himself.
      mayShare = lines.length > 0 || follower.known <= last;
      if (lines.length < pageLines && follower.known <= last) await follower.called.wait(pollMs, signal);
    }
  };
}

// A follower outlasts the database's absence: he loses nothing by asking again for what comes after his last line.
function nullWhenAway(error: unknown): null {
  if (error instanceof PlatformError && error.code === 'database_unavailable') return null;
  throw error;
}
