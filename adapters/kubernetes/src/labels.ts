/** Labels on everything of ours in a cluster, so that any later process finds and understands it. */
export const label = {
  managedBy: 'app.kubernetes.io/managed-by',
  name: 'app.kubernetes.io/name',
  installation: 'eve.dev/installation',
  tenant: 'eve.dev/tenant',
  project: 'eve.dev/project',
  environment: 'eve.dev/environment',
  service: 'eve.dev/service',
  /** `blue` or `green`: which of a service's two Deployments a pod belongs to. Only instances of services carry it. */
  slot: 'eve.dev/slot',
  /** The first digits of the hash: a whole one is too long for a label. */
  hash: 'eve.dev/hash',
} as const;

export const annotation = {
  hash: 'eve.dev/hash',
  deploy: 'eve.dev/deploy',
  revision: 'eve.dev/revision',
  /** On a Namespace: who acted last, as fence.ts writes it. */
  fence: 'eve.dev/fence',
  /** On a Deployment of a service that has no Service: whether it serves. */
  serves: 'eve.dev/serves',
  /** On a Deployment: the hash that its pods had before they were replaced, until the new ones serve. */
  replaced: 'eve.dev/replaced',
  changeCause: 'kubernetes.io/change-cause',
  deletionCost: 'controller.kubernetes.io/pod-deletion-cost',
} as const;

/** A label selector for these labels; `true` asks only that it is there. */
export function selector(labels: Readonly<Record<string, string | true>>): string {
  return Object.entries(labels)
    .map(([name, value]) => (value === true ? name : `${name}=${value}`))
    .join(',');
}
