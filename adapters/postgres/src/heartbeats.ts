import { Worker } from 'node:worker_threads';
import type { Heartbeats, Lease } from '@eve/operations';
import { cancelChannel } from './channels.ts';
import {
  endOf,
  type FromHeartbeat,
  type HeartbeatData,
  leaseKey,
  leasesAtMost,
  monotonicMs,
  setEnd,
  sharedEnds,
  type ToHeartbeat,
} from './heartbeat-messages.ts';
import type { Notifications } from './notifications.ts';

export interface HeartbeatsOptions {
  readonly url: string;
  readonly leaseMs: number;
  readonly notifications: Notifications;
  /** When the claim of a lease was sent, by the monotonic clock; null when it is not known. */
  readonly claimedAtMs: (lease: Lease) => number | null;
}

interface Held {
  readonly lease: Lease;
  readonly slot: number;
  readonly on: { lost(): void; cancelled(): void };
  isCancelled: boolean;
}

// Long enough that a busy worker does not start a thread per work.
const idleMs = 30_000;

/** Leases kept alive by a thread and a connection that exist only while something is held. */
export function createHeartbeats({ url, leaseMs, notifications, claimedAtMs }: HeartbeatsOptions): Heartbeats {
  const held = new Map<string, Held>();
  let thread: Worker | null = null;
  const ends = sharedEnds();
  const freeSlots = Array.from({ length: leasesAtMost }, (_, slot) => slot);
  let idle: NodeJS.Timeout | undefined;
  let watching: NodeJS.Timeout | undefined;

  const listening = notifications.listen(cancelChannel, {
    notified(workId) {
      for (const entry of held.values()) if (entry.lease.workId === workId) cancel(entry);
    },
    connected() {}, // The next heartbeat says what was missed.
  });

  function cancel(entry: Held): void {
    if (entry.isCancelled) return;
    entry.isCancelled = true;
    entry.on.cancelled();
  }

  function lose(key: string): void {
    forget(key)?.on.lost();
  }

  function forget(key: string): Held | undefined {
    const entry = held.get(key);
    if (!entry) return undefined;
    held.delete(key);
    freeSlots.push(entry.slot);
    thread?.postMessage({ type: 'release', ...entry.lease } satisfies ToHeartbeat);
    if (held.size === 0) clearInterval(watching);
    return entry;
  }

  // The heartbeat's thread says it as well; after both were stopped this one must know before it goes on.
  function loseExpired(): void {
    const now = monotonicMs();
    for (const [key, { slot }] of held) if (endOf(ends, slot) <= now) lose(key);
  }

  function receive(message: FromHeartbeat): void {
    const entry = held.get(leaseKey(message));
    if (!entry) return;
    if (message.type === 'lost') lose(leaseKey(message));
    else cancel(entry);
  }

  function start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './heartbeat-thread.ts' : './heartbeat-thread.js';
    const started = new Worker(new URL(file, import.meta.url), {
      workerData: { url, leaseMs, ends } satisfies HeartbeatData,
      name: 'eve-heartbeat',
    });
    started.on('message', receive);
    started.on('error', () => {}); // Told by the exit that follows.
    started.on('exit', () => {
      if (thread !== started) return;
      thread = null;
      for (const key of [...held.keys()]) lose(key);
    });
    return started;
  }

  async function stop(): Promise<void> {
    clearTimeout(idle);
    const running = thread;
    thread = null;
    if (!running) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.postMessage({ type: 'stop' } satisfies ToHeartbeat);
    const timer = setTimeout(() => void running.terminate(), 1_000);
    await ended;
    clearTimeout(timer);
  }

  return {
    hold(lease, on) {
      clearTimeout(idle);
      const key = leaseKey(lease);
      const slot = freeSlots.shift(); // The one that was freed longest ago: the thread has heard of that.
      if (slot === undefined) throw new Error('This process holds too many leases.');
      setEnd(ends, slot, (claimedAtMs(lease) ?? monotonicMs()) + leaseMs);
      if (held.size === 0) watching = setInterval(loseExpired, Math.min(100, leaseMs / 20)).unref();
      held.set(key, { lease, slot, on, isCancelled: false });
      thread ??= start();
      thread.postMessage({ type: 'hold', lease: { ...lease, slot } } satisfies ToHeartbeat);
      return {
        [Symbol.dispose]() {
          forget(key);
          if (held.size > 0) return;
          clearTimeout(idle);
          idle = setTimeout(() => void stop(), idleMs).unref();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      clearInterval(watching);
      await stop();
    },
  };
}
