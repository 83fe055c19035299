import { setTimeout as sleep } from 'node:timers/promises';
import {
  annotation,
  type Cluster,
  deploymentOf,
  isRefused,
  kinds,
  label,
  type Pod,
  selector,
} from '@eve/adapter-kubernetes';
import type { Instance } from '@eve/operations';
import type { KubernetesSettings } from './context.ts';
import { bringBack, dropDeployment, scale } from './deployment-acts.ts';
import { isLeaving } from './instance.ts';
import { podOf } from './instance-logs.ts';

const pollMs = 250;
/** A pod whose machine does not answer stays on its way out for as long as that. */
const marginMs = 15_000;
/** The cluster chooses by itself whom it ends when there are to be fewer, and mostly as it is asked. */
const choiceMs = 4_000;

/**
 * Removes instances gracefully: with the last one its Deployment, else there are to be fewer. Where they had replaced what wrote to
 * the same volume, and nobody has let them serve since, what was before comes back.
 */
export async function removeInstances(
  settings: KubernetesSettings,
  instances: readonly Pick<Instance, 'name'>[],
  signal: AbortSignal,
): Promise<void> {
  const left = new Set(instances.map(({ name }) => name));
  while (left.size > 0) {
    signal.throwIfAborted();
    const [name = ''] = left;
    const pod = await podOf(settings, name);
    left.delete(name);
    if (!pod) continue;
    const namespace = pod.metadata.namespace ?? '';
    const labels = selector({ [label.installation]: settings.installation, [label.slot]: true });
    const pods = await settings.cluster.list(kinds.Pod, { namespace, labels });
    const listed = pods.filter((each) => each.metadata.name === name || left.has(each.metadata.name));
    for (const each of listed) left.delete(each.metadata.name);
    const byDeployment = Map.groupBy(listed, ({ metadata }) => deploymentOf(metadata.name) ?? '');
    await Promise.all(
      [...byDeployment].map(([deployment, some]) => {
        const all = pods.filter(({ metadata }) => deploymentOf(metadata.name) === deployment);
        return removePods(settings.cluster, { namespace, deployment }, { all, some }, signal);
      }),
    );
  }
}

async function removePods(
  cluster: Cluster,
  { namespace, deployment: name }: { readonly namespace: string; readonly deployment: string },
  { all, some }: { readonly all: readonly Pod[]; readonly some: readonly Pod[] },
  signal: AbortSignal,
): Promise<void> {
  const there = name ? await cluster.get(kinds.Deployment, name, namespace) : null;
  for (const pod of some.filter(hasEnded)) await removePod(cluster, pod);
  const removed = new Set(some.map(({ metadata }) => metadata.name));
  const running = all.filter((pod) => !isLeaving(pod) && !hasEnded(pod));
  const going = running.filter(({ metadata }) => removed.has(metadata.name));
  if (!there) for (const pod of going) await removePod(cluster, pod);
  else if (going.length > 0 && going.length === running.length) {
    if (!(await bringBack(cluster, there, signal))) await dropDeployment(cluster, there, signal);
  } else if (going.length > 0) {
    await Promise.all(going.map((pod) => firstToGo(cluster, pod)));
    await scale({ cluster, namespace }, name, Math.max(0, (there.spec.replicas ?? 1) - going.length));
  }
  await untilGone(cluster, namespace, some, signal);
}

async function firstToGo(cluster: Cluster, { metadata: { name, namespace } }: Pod): Promise<void> {
  try {
    await cluster.patch(
      kinds.Pod,
      { name, namespace },
      { metadata: { annotations: { [annotation.deletionCost]: '-1000' } } },
    );
  } catch (error) {
    if (!isRefused(error, 'not_found')) throw error;
  }
}

/** Ends when these pods are gone. One that the cluster did not choose is ended by name. */
async function untilGone(cluster: Cluster, namespace: string, pods: readonly Pod[], signal: AbortSignal) {
  const begun = performance.now();
  const graceMs = Math.max(...pods.map(({ spec }) => (spec.terminationGracePeriodSeconds ?? 30) * 1000));
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  const labels = selector({ [label.slot]: true });
  for (let isAsked = false; ; ) {
    signal.throwIfAborted();
    const left = (await cluster.list(kinds.Pod, { namespace, labels })).filter(({ metadata }) =>
      uids.has(metadata.uid),
    );
    const ms = performance.now() - begun;
    if (left.length === 0 || ms > graceMs + choiceMs + marginMs) return;
    if (!isAsked && ms > choiceMs) {
      for (const pod of left) if (!isLeaving(pod)) await removePod(cluster, pod);
      isAsked = true;
    }
    await sleep(pollMs, undefined, { signal });
  }
}

async function removePod(cluster: Cluster, { metadata: { name, namespace, uid } }: Pod): Promise<void> {
  await cluster.remove(kinds.Pod, { name, namespace }, { uid });
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
