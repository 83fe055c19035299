/** One held lease, as the main thread and the heartbeat's thread speak of it. Times are of the machine's monotonic clock. */
export interface HeldLease {
  readonly workId: string;
  readonly fence: number;
  /** Until when the lease surely holds without another heartbeat. */
  readonly untilMs: number;
}

/** What the main thread tells the heartbeat's. */
export type ToHeartbeat =
  | { readonly type: 'hold'; readonly lease: HeldLease }
  | { readonly type: 'release'; readonly workId: string; readonly fence: number }
  | { readonly type: 'stop' };

/** What the heartbeat's thread answers. */
export interface FromHeartbeat {
  readonly type: 'lost' | 'cancelled';
  readonly workId: string;
  readonly fence: number;
}

export interface HeartbeatData {
  readonly url: string;
  readonly leaseMs: number;
}

/** The name under which a lease is held: the same work may come back under another fence. */
export function leaseKey({ workId, fence }: { workId: string; fence: number }): string {
  return `${workId} ${fence}`;
}

/** The same in every thread of the process, unlike `performance.now()`, and never set back. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
