import { Worker } from 'node:worker_threads';
import type { Heartbeats, Lease } from '@eve/operations';
import { cancelChannel } from './channels.ts';
import {
  type FromHeartbeat,
  type HeartbeatData,
  leaseKey,
  monotonicMs,
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
  readonly on: { lost(): void; cancelled(): void };
  isCancelled: boolean;
}

// Long enough that a busy worker does not start a thread per work.
const idleMs = 30_000;

/** Leases kept alive by a thread and a connection that exist only while something is held. */
export function createHeartbeats({ url, leaseMs, notifications, claimedAtMs }: HeartbeatsOptions): Heartbeats {
  const held = new Map<string, Held>();
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;

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
    const entry = held.get(key);
    held.delete(key);
    entry?.on.lost();
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
      workerData: { url, leaseMs } satisfies HeartbeatData,
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
      held.set(key, { lease, on, isCancelled: false });
      thread ??= start();
      const untilMs = (claimedAtMs(lease) ?? monotonicMs()) + leaseMs;
      thread.postMessage({ type: 'hold', lease: { ...lease, untilMs } } satisfies ToHeartbeat);
      return {
        [Symbol.dispose]() {
          if (held.delete(key)) thread?.postMessage({ type: 'release', ...lease } satisfies ToHeartbeat);
          if (held.size > 0) return;
          clearTimeout(idle);
          idle = setTimeout(() => void stop(), idleMs).unref();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      await stop();
    },
  };
}
