import { waitingWords } from '@eve/domain';
import type { WaitingReason } from '../ports/work-queue.ts';

/** Why work has not begun, as a sentence; null when nothing keeps it. */
export function waitingInWords(place: { reason: WaitingReason; position: number } | null): string | null {
  return place && `Waiting at position ${place.position}: ${waitingWords[place.reason]}.`;
}
