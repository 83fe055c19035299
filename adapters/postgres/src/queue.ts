import type { Lease, QueuePosition, WorkQueue } from '@eve/operations';
import { workChannel } from './channels.ts';
import { type Database, database, type Pool } from './connection.ts';
import { monotonicMs } from './heartbeat-messages.ts';
import { createHeartbeats } from './heartbeats.ts';
import type { Notifications } from './notifications.ts';
import { claim } from './queue-claim.ts';
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

// Counted inside the lane, as if its projects took turns by priority and age alone: near enough to be told to people.
async function position({ sql }: Database, kind: string, id: string): Promise<QueuePosition | null> {
  const [row] = await sql<QueuePosition>`
    select
      case
        when w.state = 'waiting' then w.waiting_reason
        when w.exclusive_key is not null and exists (
          select from work other where other.exclusive_key = w.exclusive_key and other.state = 'running'
        ) then 'lock'
        when l.running >= l.max then 'tenant_limit'
        when exists (select from capacities c where c.class = w.class and c.running >= c.max) then 'builder_capacity'
        else 'free_worker'
      end as reason,
      1 + (
        select count(*)::integer from work ahead
        where ahead.tenant_id = w.tenant_id and ahead.class = w.class and ahead.state = 'queued'
          and (w.state = 'waiting'
            or (-ahead.priority, ahead.run_at, ahead.id) < (-w.priority, w.run_at, w.id))
      ) as position
    from work w join lanes l on l.tenant_id = w.tenant_id and l.class = w.class
    where w.kind = ${kind} and w.subject_id = ${id} and w.state <> 'running'`;
  return row ?? null;
}
