import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cluster,
  type ClusterObject,
  isRefused,
  type Kind,
  kinds,
  label,
  type Namespace,
  selector,
} from '@eve/adapter-kubernetes';
import type { EnvironmentId } from '@eve/domain';
import type { Stray } from '@eve/operations';
import type { KubernetesSettings } from './context.ts';

type Parts = Pick<KubernetesSettings, 'cluster' | 'installation'>;

const pollMs = 300;
/** For so long pods may take to end before the namespace goes with them. */
const longestMs = 60_000;

/** All of ours that can be in a namespace beside its volumes, in the order in which it goes. */
const belongings: readonly Kind[] = [
  kinds.HorizontalPodAutoscaler,
  kinds.Ingress,
  kinds.HTTPRoute,
  kinds.Deployment,
  kinds.Job,
  kinds.Service,
  kinds.PodDisruptionBudget,
  kinds.NetworkPolicy,
  kinds.ConfigMap,
  kinds.Secret,
  kinds.ServiceAccount,
];

/** Removes all of an environment, and with its volumes the namespace itself; without them it stays for as long as there are any. */
export async function removeEnvironment(
  { cluster, installation }: Parts,
  environmentId: EnvironmentId,
  { volumes }: { readonly volumes: boolean },
  signal: AbortSignal,
): Promise<void> {
  const labels = selector({ [label.installation]: installation, [label.environment]: environmentId });
  for (const namespace of await cluster.list(kinds.Namespace, { labels })) {
    const { name } = namespace.metadata;
    const kept = volumes ? [] : await cluster.list(kinds.PersistentVolumeClaim, { namespace: name, labels });
    if (kept.length === 0) await removeNamespace(cluster, namespace, signal);
    else await removeBelongings(cluster, name, labels, signal);
  }
}

/** Namespaces of environments of this installation that there are no more. */
export async function findStrays(
  { cluster, installation }: Parts,
  environments: readonly EnvironmentId[],
): Promise<Stray[]> {
  const known = new Set<string>(environments);
  const namespaces = await cluster.list(kinds.Namespace, {
    labels: selector({ [label.managedBy]: 'eve', [label.installation]: installation, [label.environment]: true }),
  });
  return namespaces.flatMap((namespace): Stray[] => {
    const environment = ownerOf(namespace);
    if (environment === null || known.has(environment) || namespace.metadata.deletionTimestamp) return [];
    return [
      {
        kind: 'namespace',
        name: namespace.metadata.name,
        environmentId: environment,
        createdAt: new Date(namespace.metadata.creationTimestamp ?? 0),
        sizeBytes: null,
      },
    ];
  });
}

/** Removes a stray; what is not this installation's, or another environment's by now, stays. */
export async function removeStray(
  { cluster, installation }: Parts,
  { kind, name, environmentId }: Stray,
  signal: AbortSignal,
): Promise<void> {
  if (kind !== 'namespace' || environmentId === null) return;
  const there = await cluster.get(kinds.Namespace, name);
  if (!there || ownerOf(there) !== environmentId || there.metadata.labels?.[label.installation] !== installation)
    return;
  await removeNamespace(cluster, there, signal);
}

/** What runs first: a namespace that is removed with it goes in steps of many seconds. */
async function removeNamespace(cluster: Cluster, { metadata: { name, uid } }: Namespace, signal: AbortSignal) {
  const running = { namespace: name, labels: selector({ [label.managedBy]: 'eve' }) };
  for (const kind of [kinds.Deployment, kinds.Job]) await removeAll(cluster, kind, running);
  const end = performance.now() + longestMs;
  const isIn = async () => (performance.now() < end ? cluster.list(kinds.Pod, running) : []);
  await untilNone(isIn, signal);
  await cluster.remove(kinds.Namespace, { name }, { uid });
  await untilNone(async () => {
    const there = await cluster.get(kinds.Namespace, name);
    return there && there.metadata.uid === uid ? [there] : [];
  }, signal);
}

async function removeBelongings(cluster: Cluster, namespace: string, labels: string, signal: AbortSignal) {
  for (const kind of belongings) await removeAll(cluster, kind, { namespace, labels });
  await untilNone(() => cluster.list(kinds.Pod, { namespace, labels }), signal);
}

async function removeAll(cluster: Cluster, kind: Kind, where: { readonly namespace: string; readonly labels: string }) {
  for (const { metadata } of await listed(cluster, kind, where)) {
    const place = { name: metadata.name, namespace: where.namespace };
    await cluster.remove(kind, place, { uid: metadata.uid, propagation: 'Background' });
  }
}

/** Of a kind that the cluster does not have there are none. */
async function listed(cluster: Cluster, kind: Kind, where: { readonly namespace: string; readonly labels: string }) {
  try {
    return await cluster.list(kind, where);
  } catch (error) {
    if (isRefused(error, 'not_found')) return [];
    throw error;
  }
}

async function untilNone(left: () => Promise<readonly ClusterObject[]>, signal: AbortSignal): Promise<void> {
  while ((await left()).length > 0) await sleep(pollMs, undefined, { signal });
}

function ownerOf({ metadata }: Namespace): EnvironmentId | null {
  // Written by ourselves as an environment's id.
  return (metadata.labels?.[label.environment] ?? null) as EnvironmentId | null;
}
