import { setTimeout as sleep } from 'node:timers/promises';
import {
  annotation,
  type Cluster,
  type Deployment,
  deploymentName,
  kinds,
  type OwnerReference,
  type PodTemplate,
  type ReplicaSet,
  type Slot,
  selector,
} from '@eve/adapter-kubernetes';
import { DeployFailed } from '@eve/domain';
import type { ServiceTarget } from '@eve/operations';
import { applyDeployment } from './apply-own.ts';
import { configObjects } from './config-objects.ts';
import type { ActContext } from './context.ts';
import { deployment, hashOf } from './deployment-object.ts';
import { localName } from './local-image.ts';

const pollMs = 200;
const restoreMs = 60_000;

/**
 * Makes a service's Deployment as the target wants it, or changes it to that; the cluster then does what its strategy says. With
 * `force` what somebody has set in it by hand is taken back.
 */
export async function putDeployment(
  context: ActContext,
  wanted: ServiceTarget,
  slot: Slot,
  there: Deployment | null,
  force = false,
): Promise<Deployment> {
  const { cluster, target } = context;
  const runnable = await withLocalName(cluster, wanted);
  const { plain, secret } = configObjects(target, wanted, context);
  const putConfig = async (owner: OwnerReference | null) => {
    const owned = owner && { ownerReferences: [owner] };
    await cluster.apply(kinds.ConfigMap, { ...plain, metadata: { ...plain.metadata, ...owned } });
    if (secret) await cluster.apply(kinds.Secret, { ...secret, metadata: { ...secret.metadata, ...owned } });
  };
  await putConfig(there && ownerOf(there));
  const object = deployment(target, runnable, { ...context, slot });
  const made = force
    ? await cluster.apply(kinds.Deployment, object, { force })
    : await applyDeployment(cluster, object);
  // So that the cluster removes it with the Deployment.
  if (!there) await putConfig(ownerOf(made));
  return made;
}

/** The same service, its image called as the cluster's machines call one that only they hold. */
export async function withLocalName(cluster: Cluster, wanted: ServiceTarget): Promise<ServiceTarget> {
  const { image, local, service } = wanted;
  if (!local) return wanted;
  const name = localName(await cluster.list(kinds.Node, {}), image);
  if (name !== null) return { ...wanted, image: name };
  throw new DeployFailed({
    code: 'image_pull_error',
    message: `No such image: none of the cluster's machines holds ${image} of ${service.name}.`,
    service: service.name,
    hint: 'Import it into the cluster, with its digest, or push it to a registry.',
    probes: [],
    logs: [],
    instances: [],
  });
}

/** Asks for so many instances: an act of its own, since the number is not among what is applied. */
export async function scale(
  { cluster, namespace }: Pick<ActContext, 'cluster' | 'namespace'>,
  name: string,
  replicas: number,
): Promise<void> {
  await cluster.patch(kinds.Deployment, { name, namespace, subresource: 'scale' }, { spec: { replicas } });
}

/** Annotates a Deployment's own object; null takes an annotation away. Its pods are not touched. */
export async function annotate(
  cluster: Cluster,
  { metadata: { name, namespace } }: Deployment,
  annotations: Readonly<Record<string, string | null>>,
): Promise<void> {
  await cluster.patch(kinds.Deployment, { name, namespace }, { metadata: { annotations } });
}

/** Removes a Deployment at once, its pods in their own time. */
export async function dropDeployment(cluster: Cluster, there: Deployment, signal: AbortSignal): Promise<void> {
  const { name, namespace, uid } = there.metadata;
  await cluster.remove(kinds.Deployment, { name, namespace }, { uid, propagation: 'Background' });
  for (;;) {
    signal.throwIfAborted();
    const left = await cluster.get(kinds.Deployment, name, namespace);
    if (left?.metadata.uid !== uid) return;
    await sleep(pollMs, undefined, { signal });
  }
}

/** The templates that a Deployment has had, as far as the cluster keeps them. */
export async function historyOf(cluster: Cluster, { metadata, spec }: Deployment): Promise<readonly ReplicaSet[]> {
  const labels = selector(spec.selector.matchLabels ?? {});
  const sets = await cluster.list(kinds.ReplicaSet, { namespace: metadata.namespace ?? null, labels });
  return sets.filter((set) => set.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
}

/** Goes back to the template that a Deployment had before it was replaced for a deploy that is given up. False when there is none. */
export async function undoReplaced(cluster: Cluster, there: Deployment): Promise<boolean> {
  const before = there.metadata.annotations?.[annotation.replaced];
  if (before === undefined) return false;
  const former = (await historyOf(cluster, there)).find(({ spec }) => hashOf(spec) === before);
  if (!former) return false;
  const { name, namespace, labels } = there.metadata;
  const { selector: selects, strategy, minReadySeconds, revisionHistoryLimit } = there.spec;
  const changeCause = former.metadata.annotations?.[annotation.changeCause];
  await applyDeployment(cluster, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace,
      labels,
      ...(changeCause && { annotations: { [annotation.changeCause]: changeCause } }),
    },
    spec: {
      selector: selects,
      strategy,
      minReadySeconds,
      revisionHistoryLimit,
      template: withoutItsHash(former.spec.template),
    },
  });
  await annotate(cluster, there, { [annotation.replaced]: null });
  return true;
}

/** Goes back as `undoReplaced` does, and waits for a while until what was before runs again. */
export async function bringBack(cluster: Cluster, there: Deployment, signal: AbortSignal): Promise<boolean> {
  if (!(await undoReplaced(cluster, there))) return false;
  const { name, namespace = '' } = there.metadata;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(restoreMs)]);
  try {
    await untilRolledOut({ cluster }, { name, namespace }, limit);
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
  }
  return true;
}

/** The Deployment of a service in a slot, as it is now. */
export function readDeployment(
  { cluster, namespace }: Pick<ActContext, 'cluster' | 'namespace'>,
  service: string,
  slot: Slot,
): Promise<Deployment | null> {
  return cluster.get(kinds.Deployment, deploymentName(service, slot), namespace);
}

/** Whether all instances are of the newest template and ready, as far as the cluster says. */
export function isRolledOut({ metadata, spec, status = {} }: Deployment): boolean {
  const wanted = spec.replicas ?? 1;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  if (observedGeneration < (metadata.generation ?? 0)) return false;
  return updatedReplicas >= wanted && replicas === updatedReplicas && availableReplicas >= wanted;
}

/** Ends when the cluster says that all instances are of the newest template and ready, and none of an older one is left. */
export async function untilRolledOut(
  { cluster }: Pick<ActContext, 'cluster'>,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<'rolled_out' | 'gone' | 'too_slow'> {
  for (;;) {
    signal.throwIfAborted();
    const there = await cluster.get(kinds.Deployment, name, namespace);
    if (!there) return 'gone';
    if (isRolledOut(there)) return 'rolled_out';
    const { metadata, status = {} } = there;
    if ((status.observedGeneration ?? 0) >= (metadata.generation ?? 0)) {
      const progress = status.conditions?.find(({ type }) => type === 'Progressing');
      if (progress?.reason === 'ProgressDeadlineExceeded') return 'too_slow';
    }
    await sleep(pollMs, undefined, { signal });
  }
}

function ownerOf({ metadata: { name, uid = '' } }: Deployment): OwnerReference {
  return { apiVersion: 'apps/v1', kind: 'Deployment', name, uid };
}

/** The label that a ReplicaSet adds to its template. */
function withoutItsHash({ metadata = {}, spec }: PodTemplate): PodTemplate {
  const { 'pod-template-hash': _, ...labels } = metadata.labels ?? {};
  return { metadata: { ...metadata, labels }, spec };
}
