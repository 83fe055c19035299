import { setTimeout as sleep } from 'node:timers/promises';
import {
  annotation,
  type ClusterObject,
  deploymentName,
  kinds,
  label,
  type Slot,
  selector,
  slotOf,
} from '@eve/adapter-kubernetes';
import type { ServiceTarget } from '@eve/operations';
import { applyOwn } from './apply-own.ts';
import type { ActContext } from './context.ts';
import { annotate, scale } from './deployment-acts.ts';
import { hashOf } from './deployment-object.ts';
import { holdFence } from './fence.ts';
import { networkPolicies, releaseInfo } from './namespace-objects.ts';
import { whose } from './place.ts';
import { pruneConfigs } from './prune.ts';
import { orRefused } from './refused.ts';
import { autoscaler, disruptionBudget, hasName, innerService } from './service-objects.ts';
import { deploymentIn, readStanding, type Standing } from './standing.ts';

const pollMs = 100;
/** For so long a name may still lead to former instances; then whoever removes them gives them time to end what comes. */
const longestMs = 5_000;

/** Has services' names lead to the slots of these instances and nowhere else, and settles what follows what serves. */
export async function serve(context: ActContext, instances: readonly string[]): Promise<void> {
  const { cluster, target, namespace, lease, installation } = context;
  await holdFence(cluster, namespace, { lease, deployId: target.deployId });
  await orRefused(null, async () => {
    const standing = await readStanding(cluster, { installation, environmentId: target.environment.id });
    await Promise.all(
      target.services.map((wanted) => {
        const { name } = wanted.service;
        const serving = new Set(instances.flatMap((instance) => slotOf(instance, name) ?? []));
        return serveSlots(context, standing, wanted, [...serving]);
      }),
    );
    await settle(context, standing);
  });
}

/** A service that has been rolled serves from one slot. */
export async function serveOnly(context: ActContext, wanted: ServiceTarget, slot: Slot): Promise<void> {
  const { cluster, installation, target } = context;
  const standing = await readStanding(cluster, { installation, environmentId: target.environment.id });
  await serveSlots(context, standing, wanted, [slot]);
}

/** What a service's instances in these slots need to serve, and only they. */
async function serveSlots(
  context: ActContext,
  standing: Standing,
  wanted: ServiceTarget,
  serving: readonly Slot[],
): Promise<void> {
  const { cluster } = context;
  const { service, hash } = wanted;
  await nameSlots(context, wanted, serving);
  for (const slot of ['blue', 'green'] as const) {
    const there = deploymentIn(standing, service.name, slot);
    if (!there) continue;
    const { [annotation.serves]: serves, [annotation.replaced]: replaced } = there.metadata.annotations ?? {};
    const isServing = !hasName(wanted) && serving.includes(slot);
    const changes = {
      ...((serves === 'true') !== isServing && { [annotation.serves]: isServing ? 'true' : null }),
      // It serves: what it replaced does not come back by itself any more.
      ...(replaced !== undefined &&
        serving.includes(slot) &&
        hashOf(there.spec) === hash && { [annotation.replaced]: null }),
    };
    if (Object.keys(changes).length > 0) await annotate(cluster, there, changes);
  }
  const [slot] = serving;
  if (slot) await scaleItself(context, wanted, slot);
}

/** Has a service's name lead to these slots, and returns when the cluster's own list of who answers says so. */
export async function nameSlots(context: ActContext, wanted: ServiceTarget, serving: readonly Slot[]): Promise<void> {
  const { cluster } = context;
  if (!hasName(wanted)) return;
  await applyOwn(cluster, kinds.Service, innerService(whose(context), wanted, serving), ['.spec.selector']);
  await untilListed(context, wanted.service.name, serving);
}

/** Fewer instances than all at a time, by what the cluster does itself and by who scales. */
async function scaleItself(context: ActContext, { service }: ServiceTarget, slot: Slot): Promise<void> {
  const { cluster, namespace } = context;
  const of = whose(context);
  const place = { name: service.name, namespace };
  const least = service.autoscale?.min ?? service.replicas;
  if (least >= 2) await cluster.apply(kinds.PodDisruptionBudget, disruptionBudget(of, service.name));
  else await cluster.remove(kinds.PodDisruptionBudget, place);
  if (service.autoscale)
    await cluster.apply(kinds.HorizontalPodAutoscaler, autoscaler(of, service.name, service.autoscale, slot));
  // The number that it has chosen last is nobody's any more.
  else if (await cluster.remove(kinds.HorizontalPodAutoscaler, place))
    await scale(context, deploymentName(service.name, slot), service.replicas);
}

/**
 * What tells of the release that serves, and nothing of services that there are no more: that the target does not have, and of which
 * nothing stands either where that is given. A part of a revision says nothing of the others.
 */
export async function settle(context: ActContext, standing: Standing, isPart = false): Promise<void> {
  const { cluster, target, namespace, installation } = context;
  const of = whose(context);
  const policies = networkPolicies(of, target.services);
  await cluster.apply(kinds.ConfigMap, releaseInfo(of, target.release));
  for (const policy of policies) await cluster.apply(kinds.NetworkPolicy, policy);
  const named = target.services.map(({ service }) => service.name);
  const stand = standing.deployments.map(({ metadata }) => metadata.labels?.[label.service] ?? '');
  const services = new Set(isPart ? [...named, ...stand] : named);
  const nameless = new Set(target.services.filter((wanted) => !hasName(wanted)).map(({ service }) => service.name));
  // One without a Service says itself that it serves.
  for (const each of standing.deployments)
    if (each.metadata.annotations?.[annotation.serves] && !services.has(each.metadata.labels?.[label.service] ?? ''))
      await annotate(cluster, each, { [annotation.serves]: null });
  const routed = new Set(policies.map(({ metadata }) => metadata.name));
  const ours = { [label.installation]: installation, [label.environment]: target.environment.id } as const;
  const labels = selector({ ...ours, [label.service]: true });
  for (const kind of [kinds.HorizontalPodAutoscaler, kinds.PodDisruptionBudget, kinds.NetworkPolicy, kinds.Service])
    for (const { metadata } of await cluster.list<ClusterObject>(kind, { namespace, labels })) {
      const service = metadata.labels?.[label.service] ?? '';
      const isRouted = kind !== kinds.NetworkPolicy || routed.has(metadata.name) || !named.includes(service);
      // A router's Services are the router's to remove.
      const isRouters = kind === kinds.Service && metadata.name !== service;
      const isNameless = kind === kinds.Service && nameless.has(service);
      if (isRouters || (services.has(service) && isRouted && !isNameless)) continue;
      await cluster.remove(kind, { name: metadata.name, namespace }, { uid: metadata.uid });
    }
  await pruneConfigs(context);
}

async function untilListed({ cluster, namespace, signal }: ActContext, service: string, serving: readonly Slot[]) {
  const end = performance.now() + longestMs;
  const pods = await cluster.list(kinds.Pod, { namespace, labels: selector({ [label.service]: service }) });
  const isOther = new Set(
    pods.flatMap(({ metadata: { name, labels } }) =>
      serving.some((slot) => slot === labels?.[label.slot]) ? [] : [name],
    ),
  );
  if (isOther.size === 0 && serving.length === 0) return;
  while (performance.now() < end) {
    signal.throwIfAborted();
    const lists = await cluster.list(kinds.EndpointSlice, {
      namespace,
      labels: selector({ 'kubernetes.io/service-name': service }),
    });
    const listed = lists.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready);
    const isThere = serving.length === 0 || listed.length > 0;
    if (isThere && !listed.some(({ targetRef }) => isOther.has(targetRef?.name ?? ''))) return;
    await sleep(pollMs, undefined, { signal });
  }
}
