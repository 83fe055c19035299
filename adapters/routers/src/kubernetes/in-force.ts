import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cluster,
  kinds,
  label,
  type Service,
  type Slot,
  selectedSlots,
  slotOf,
  type Wanted,
} from '@eve/adapter-kubernetes';

const pollMs = 50;
/** For so long the cluster may take to list who answers; what cannot answer by then is none of the router's. */
const longestMs = 5_000;

/** Resolves when the cluster's own list of who answers for a Service names instances of all its slots and of no other. */
export async function untilListed(cluster: Cluster, service: Wanted<Service>, signal?: AbortSignal): Promise<void> {
  const { name, namespace = '', labels = {} } = service.metadata;
  const wanted = selectedSlots(service);
  if (wanted.length === 0) return;
  const listing = `kubernetes.io/service-name=${name}`;
  for (const begun = performance.now(); performance.now() - begun < longestMs; ) {
    signal?.throwIfAborted();
    const slices = await cluster.list(kinds.EndpointSlice, { namespace, labels: listing });
    const answering = slices
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter((each) => each.conditions?.ready !== false);
    const listed = answering.map(({ targetRef }) => slotOf(targetRef?.name ?? '', labels[label.service] ?? ''));
    const has = (slot: Slot) => listed.includes(slot);
    if (wanted.every(has) && listed.every((slot) => slot !== null && wanted.includes(slot))) return;
    await sleep(pollMs, undefined, { signal });
  }
}
