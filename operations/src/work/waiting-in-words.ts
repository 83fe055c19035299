import type { WaitingReason } from '../ports/work-queue.ts';

const reasons: Readonly<Record<WaitingReason, string>> = {
  tenant_limit: 'the limit of concurrent builds of this organisation is reached',
  builder_capacity: 'the builder is full',
  lock: 'another deploy of this environment is running',
  approval: 'it waits for an approval',
  retry_delay: 'it is tried again after a delay',
  free_worker: 'it waits for a free worker',
};

/** Why work has not begun, as a sentence; null when nothing keeps it. */
export function waitingInWords(place: { reason: WaitingReason; position: number } | null): string | null {
  return place && `Waiting at position ${place.position}: ${reasons[place.reason]}.`;
}
