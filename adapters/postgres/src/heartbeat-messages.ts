/** One held lease, as the main thread and the heartbeat's thread speak of it. Times are of the machine's monotonic clock. */
export interface HeldLease {
  readonly workId: string;
  readonly fence: number;
  /** Where in the ends that both threads see stands until when the lease surely holds without another heartbeat. */
  readonly slot: number;
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
  /** Shared: a process that was stopped must see at once, in either thread, that its leases have run out. */
  readonly ends: BigInt64Array;
}

/** More than one process carries out at once. */
export const leasesAtMost = 4_096;

/** Ends of leases that both threads see, by slot. */
export function sharedEnds(): BigInt64Array {
  return new BigInt64Array(new SharedArrayBuffer(leasesAtMost * BigInt64Array.BYTES_PER_ELEMENT));
}

/** Until when the lease in a slot surely holds, by the monotonic clock. */
export function endOf(ends: BigInt64Array, slot: number): number {
  return Number(Atomics.load(ends, slot));
}

/** Sets until when the lease in a slot surely holds. */
export function setEnd(ends: BigInt64Array, slot: number, untilMs: number): void {
  Atomics.store(ends, slot, BigInt(Math.floor(untilMs)));
}

/** The name under which a lease is held: the same work may come back under another fence. */
export function leaseKey({ workId, fence }: { workId: string; fence: number }): string {
  return `${workId} ${fence}`;
}

/** The same in every thread of the process, unlike `performance.now()`, and never set back. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
