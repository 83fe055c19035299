import type { Lease, WorkQueue } from '@eve/operations';
import { workChannel } from './channels.ts';
import { database, type Pool } from './connection.ts';
import { monotonicMs } from './heartbeat-messages.ts';
import { createHeartbeats } from './heartbeats.ts';
import type { Notifications } from './notifications.ts';
import { claim } from './queue-claim.ts';
import { list, position } from './queue-list.ts';
import { setCapacity } from './queue-records.ts';
import { createSweep } from './queue-sweep.ts';
import { wake } from './wake.ts';

export interface WorkQueueOptions {
  /** Where the heartbeat's own connection goes. */
  readonly url: string;
  readonly notifications: Notifications;
  /** How long a missed notification may go unnoticed; 5 s unless said. */
  readonly pollMs?: number;
}

/** The queue as workers see it. */
export function workQueue(pool: Pool, { url, notifications, pollMs = 5_000 }: WorkQueueOptions): WorkQueue {
  const db = database(pool);
  // Keyed by the very object that a claim answered with, so that it is forgotten with it.
  const claimedAtMs = new WeakMap<Lease, number>();
  return {
    async claim(options) {
      const sentAtMs = monotonicMs();
      const answer = await claim(db, options);
      if (answer.work) claimedAtMs.set(answer.work.lease, sentAtMs);
      return answer;
    },
    heartbeats: async ({ leaseMs }) =>
      createHeartbeats({
        url,
        leaseMs,
        notifications,
        claimedAtMs: (lease) => claimedAtMs.get(lease) ?? null,
      }),
    sweep: createSweep(db, () => notifications.send(workChannel, '', '')),
    position: (kind, id) => position(db, kind, id),
    list: (tenantId, page) => list(db, tenantId, page),
    setCapacity: (workClass, max) => setCapacity(db, workClass, max),
    wakes: (signal) => wakes(notifications, pollMs, signal),
  };
}

async function* wakes(notifications: Notifications, pollMs: number, signal: AbortSignal): AsyncGenerator<void> {
  const called = wake();
  using _listening = notifications.listen(workChannel, {
    notified: () => called.call(),
    connected: () => called.call(),
  });
  while (true) {
    await called.wait(pollMs, signal);
    if (signal.aborted) return;
    yield;
  }
}
