/** A service has at most two Deployments: the one that serves, and the one beside it. */
export type Slot = 'blue' | 'green';

export const slots: readonly Slot[] = ['blue', 'green'];

export function otherSlot(slot: Slot): Slot {
  return slot === 'blue' ? 'green' : 'blue';
}

export function deploymentName(service: string, slot: Slot): string {
  return slot === 'blue' ? service : `${service}-green`;
}

/** The Deployment that a pod with this name belongs to: `<deployment>-<replica set>-<pod>`. Null for a name of another form. */
export function deploymentOf(pod: string): string | null {
  return /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)-[a-z0-9]{1,10}-[a-z0-9]{5}$/.exec(pod)?.[1] ?? null;
}

/** The slot of a service's instance, by the instance's name. */
export function slotOf(pod: string, service: string): Slot | null {
  const deployment = deploymentOf(pod);
  return slots.find((slot) => deploymentName(service, slot) === deployment) ?? null;
}
