import type { DockerEngine } from '@eve/adapter-docker';
import type { DeployerEvent, DeployTarget, Lease } from '@eve/operations';
import type { PortRange } from './loopback-ports.ts';
import type { Place } from './place.ts';
import type { ProbeHistory } from './probe-history.ts';

/** What a deployer is made with, defaults filled in. */
export interface DeployerSettings {
  readonly engine: DockerEngine;
  readonly installation: string;
  readonly now: () => Date;
  readonly random: () => number;
  readonly networkPool: string;
  readonly ports: PortRange;
  readonly minimumDeadlineMs: number;
  readonly history: ProbeHistory;
}

/** What one apply shares between its services. */
export interface ApplyContext extends DeployerSettings {
  readonly target: DeployTarget;
  /** At most so many instances of a service; all that it wants unless said. */
  readonly upTo: Readonly<Record<string, number>>;
  readonly lease: Lease;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly takenSlots: Set<number>;
  report(event: DeployerEvent): void;
  /** Choices of addresses and ports are made one after the other. */
  exclusively<T>(act: () => Promise<T>): Promise<T>;
}

/** One thing at a time, in the order of asking. */
export function oneAtATime(): ApplyContext['exclusively'] {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const next = last.then(act, act);
    last = next.catch(() => undefined);
    return next;
  };
}
