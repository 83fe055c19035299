import {
  annotation,
  type Cluster,
  type Deployment,
  deploymentName,
  kinds,
  label,
  type Pod,
  type Service,
  type Slot,
  selectedSlots,
  selector,
  slots,
} from '@eve/adapter-kubernetes';
import type { EnvironmentId } from '@eve/domain';
import type { DeployTarget, Instance, ServiceTarget } from '@eve/operations';
import { writesVolume } from '@eve/operations';
import { deployOf, hashOf } from './deployment-object.ts';
import { otherDigests } from './image-names.ts';
import { digestIn, instanceOf, isLeaving, isReady, mainContainer } from './instance.ts';

/** What there is of an environment in the cluster. */
export interface Standing {
  readonly deployments: readonly Deployment[];
  /** Oldest first, without those on their way out. */
  readonly pods: readonly Pod[];
  /** The names of services. */
  readonly names: readonly Service[];
  /** Digests of pods' images beside those that they tell themselves, by pod. */
  readonly digests: ReadonlyMap<string, readonly string[]>;
}

/** Reads an environment back from the cluster. */
export async function readStanding(
  cluster: Cluster,
  { installation, environmentId }: { readonly installation: string; readonly environmentId: EnvironmentId },
): Promise<Standing> {
  const ours = { [label.installation]: installation, [label.environment]: environmentId };
  const ofSlots = selector({ ...ours, [label.slot]: true });
  const [deployments, pods, services] = await Promise.all([
    cluster.list(kinds.Deployment, { labels: ofSlots }),
    cluster.list(kinds.Pod, { labels: ofSlots }),
    cluster.list(kinds.Service, { labels: selector({ ...ours, [label.service]: true }) }),
  ]);
  const staying = pods.filter((pod) => !isLeaving(pod));
  const made = ({ metadata }: Pod) => `${metadata.creationTimestamp} ${metadata.name}`;
  return {
    deployments,
    digests: await otherDigests(cluster, staying),
    pods: staying.toSorted((a, b) => made(a).localeCompare(made(b))),
    // The router's own Services lead to a service too, by other names.
    names: services.filter(({ metadata }) => metadata.name === metadata.labels?.[label.service]),
  };
}

/** All instances of an environment, oldest first. */
export function instancesOf(standing: Standing): Instance[] {
  return standing.pods.map((pod) => {
    const serving: readonly string[] = servingSlots(standing, pod.metadata.labels?.[label.service] ?? '');
    return instanceOf(
      pod,
      serving.includes(pod.metadata.labels?.[label.slot] ?? ''),
      standing.digests.get(pod.metadata.name),
    );
  });
}

/** The slots that a service's name leads to, as far as there is something in them. */
export function servingSlots(standing: Standing, service: string): Slot[] {
  const name = standing.names.find(({ metadata }) => metadata.name === service);
  return slots.filter((slot) => {
    const made = deploymentIn(standing, service, slot);
    if (!made) return false;
    return name ? selectedSlots(name).includes(slot) : made.metadata.annotations?.[annotation.serves] === 'true';
  });
}

export function deploymentIn({ deployments }: Standing, service: string, slot: Slot): Deployment | undefined {
  return deployments.find(
    ({ metadata }) => metadata.labels?.[label.service] === service && metadata.name === deploymentName(service, slot),
  );
}

/** A slot's pods that are of the given hash, or all. */
export function podsIn({ pods }: Standing, service: string, slot: Slot, hash?: string): Pod[] {
  return pods.filter(({ metadata: { labels = {}, annotations = {} } }) => {
    const isHere = labels[label.service] === service && labels[label.slot] === slot;
    return isHere && (hash === undefined || annotations[annotation.hash] === hash);
  });
}

/** What becomes of a service when a deploy brings it up. */
export type Choice =
  /** `kept` serves; `again` served before and still runs; `mine` was begun by an earlier attempt of the same deploy. */
  | { readonly kind: 'kept' | 'again' | 'mine'; readonly slot: Slot; readonly there: Deployment }
  /** Beside what serves; what is there by now gives way. */
  | { readonly kind: 'beside'; readonly slot: Slot; readonly there: Deployment | null }
  /** In place of what writes to the same volume. */
  | { readonly kind: 'replace'; readonly slot: Slot; readonly there: Deployment };

/** Decides in which slot a service comes up, and what of it is there already. */
export function choose(standing: Standing, target: DeployTarget, { service, hash }: ServiceTarget): Choice {
  const { name } = service;
  const serving = servingSlots(standing, name);
  const found = slots.flatMap((slot) => {
    const there = deploymentIn(standing, name, slot);
    return there ? [{ slot, there }] : [];
  });
  const alike = found.filter(({ there }) => hashOf(there.spec) === hash);
  const kept = alike.find(({ slot }) => serving.includes(slot));
  if (kept) {
    const isMine = kept.there.metadata.annotations?.[annotation.replaced] !== undefined;
    return { kind: isMine && deployOf(kept.there.spec) === target.deployId ? 'mine' : 'kept', ...kept };
  }
  const mine = alike.find(({ there }) => deployOf(there.spec) === target.deployId);
  if (mine) return { kind: 'mine', ...mine };
  // Begun by this deploy with other values, such as a secret that has changed since.
  const stale = found.find(({ there }) => deployOf(there.spec) === target.deployId);
  if (stale && !writesVolume(service)) return { kind: 'beside', ...stale };
  const again = alike.find(({ slot }) =>
    podsIn(standing, name, slot, hash).some(({ metadata }) => target.reusable.includes(metadata.name)),
  );
  if (again) return { kind: 'again', ...again };
  const [first] = found.toSorted((a, b) => Number(serving.includes(b.slot)) - Number(serving.includes(a.slot)));
  if (first && writesVolume(service)) return { kind: 'replace', ...first };
  const slot = freeSlot(standing, name, serving);
  return { kind: 'beside', slot, there: deploymentIn(standing, name, slot) ?? null };
}

/** The slot that does not serve; where both do, the one with less in it. */
function freeSlot(standing: Standing, service: string, serving: readonly Slot[]): Slot {
  const ready = (slot: Slot) => podsIn(standing, service, slot).filter(isReady).length;
  const isEmpty = (slot: Slot) => deploymentIn(standing, service, slot) === undefined;
  const rank = (slot: Slot) => (serving.includes(slot) ? 1_000 + ready(slot) : isEmpty(slot) ? 0 : 1);
  return rank('green') < rank('blue') ? 'green' : 'blue';
}

/** Whether somebody has put another image into a template that an earlier deploy made as it is wanted: its hash still says so. */
export function isTouched({ spec }: Deployment, { deployId }: Pick<DeployTarget, 'deployId'>, wanted: ServiceTarget) {
  const image = spec.template.spec.containers.find(({ name }) => name === mainContainer)?.image;
  if (hashOf(spec) !== wanted.hash || deployOf(spec) === deployId || image === wanted.image) return false;
  const digest = digestIn(image);
  return digest === null || !wanted.digests.includes(digest);
}

/** Where a service is rolled: where it serves. Of two slots, or where its name leads nowhere, the one of what is wanted, else the fuller. */
export function slotToRoll(standing: Standing, { service: { name }, hash }: ServiceTarget): Slot {
  const serving = servingSlots(standing, name);
  const count = (slot: Slot) => podsIn(standing, name, slot).length;
  const isAlike = (slot: Slot) => {
    const there = deploymentIn(standing, name, slot);
    return Number(there !== undefined && hashOf(there.spec) === hash);
  };
  const candidates = serving.length > 0 ? serving : slots;
  return candidates.toSorted((a, b) => isAlike(b) - isAlike(a) || count(b) - count(a))[0] ?? 'blue';
}
