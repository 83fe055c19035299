import {
  type Cluster,
  kinds,
  label,
  type Service,
  selectedSlots,
  selector,
  type Wanted,
} from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import type { Router, RoutingTable } from '@eve/operations';
import { untilListed } from './in-force.ts';
import { objectWriter, type Refusal } from './object-writer.ts';
import { outerName, routingLabel, routingObjects } from './routing-objects.ts';
import { dividesByWeight, type Entrance, type RouterSettings } from './settings.ts';
import { holdTable } from './table-fence.ts';
import { hostnames, ruleHosts, type TakenHost, takenHosts } from './taken-hosts.ts';

export interface KubernetesRouterOptions {
  readonly cluster: Cluster;
  readonly installation: string;
  /** Where the router keeps which table is in force, such as Eve's own namespace. */
  readonly namespace: string;
  /** The class of Ingresses by which services are reached from outside; null for none. */
  readonly ingressClass?: string | null;
  /** The Gateway that routes belong to instead. */
  readonly gateway?: { readonly namespace: string; readonly name: string } | null;
  /** How the entrance is reached; `http` unless told. */
  readonly outside?: 'http' | 'https';
}

const nginxController = 'k8s.io/ingress-nginx';

/** Routes by the Services, Ingresses and HTTPRoutes of a cluster, which goes on without Eve. */
export async function kubernetesRouter(options: KubernetesRouterOptions): Promise<Router> {
  const { cluster, installation, namespace, outside = 'http' } = options;
  const entrance = await entranceOf(options);
  const settings: RouterSettings = { cluster, installation, namespace, entrance };
  let before: Promise<unknown> = Promise.resolve();
  return {
    weights: dividesByWeight(entrance) ? 'exact' : 'by_replicas',
    ...(entrance.by !== 'nothing' && { outside }),
    apply(table, signal) {
      const mine = before.then(() => apply(settings, table, signal));
      before = mine.catch(() => {});
      return mine;
    },
    // Addresses inside a cluster are no ports of this machine.
    canListen: async () => true,
    // Instances that are told to stop finish what they have by themselves.
    active: async () => 0,
  };
}

async function entranceOf({ cluster, ingressClass, gateway }: KubernetesRouterOptions): Promise<Entrance> {
  if (gateway) return { by: 'gateway', ...gateway };
  if (!ingressClass) return { by: 'nothing' };
  const made = await cluster.get(kinds.IngressClass, ingressClass);
  return { by: 'ingress', className: ingressClass, nginx: made?.spec.controller === nginxController };
}

async function apply(settings: RouterSettings, table: RoutingTable, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { cluster } = settings;
  await holdTable(settings, table);
  const there = await present(settings);
  const ours = new Set([...there.ingresses.flatMap(ruleHosts), ...there.httpRoutes.flatMap(hostnames)]);
  const taken = await takenHosts(settings, table, ours);
  const refused = new Set(taken.map(({ host }) => host));
  const wanted = routingObjects(table, settings, { refused, standing: standingIn(there.services) });

  const writer = objectWriter(settings, table, signal);
  const settle = (made: Wanted<Service>) => untilListed(cluster, made, signal);
  // A way is there before traffic is led to it, and goes only when none is any more.
  await writer.bring(kinds.Service, there.services, wanted.services, settle);
  await writer.bring(kinds.Ingress, there.ingresses, wanted.ingresses);
  await writer.bring(kinds.HTTPRoute, there.httpRoutes, wanted.httpRoutes);
  await writer.prune(kinds.HTTPRoute, there.httpRoutes, wanted.httpRoutes);
  await writer.prune(kinds.Ingress, there.ingresses, wanted.ingresses);
  await writer.prune(kinds.Service, there.services, wanted.services);
  const refusals = [...(await writer.end()), ...taken.map(asRefusal)];
  // Whoever deploys in one environment is not kept from it by the troubles of another.
  const mine = refusals.find(
    ({ environmentId }) => table.concerning === undefined || environmentId === table.concerning,
  );
  if (mine) throw mine.error;
}

function asRefusal({ host, route, environmentId, by }: TakenHost): Refusal {
  const message = `The host ${host} of ${route} belongs to ${by}, which is not Eve's.`;
  return { environmentId, error: new PlatformError('host_taken', message) };
}

/** What the router has made so far. */
async function present({ cluster, installation, entrance }: RouterSettings) {
  const labels = selector({ [label.managedBy]: 'eve', [label.installation]: installation, [routingLabel]: true });
  const [services, ingresses, httpRoutes] = await Promise.all([
    cluster.list(kinds.Service, { labels }),
    cluster.list(kinds.Ingress, { labels }),
    entrance.by === 'gateway' ? cluster.list(kinds.HTTPRoute, { labels }) : [],
  ]);
  return { services, ingresses, httpRoutes };
}

function standingIn(services: readonly Service[]) {
  return (namespace: string, service: string) => {
    const outer = services.find(
      ({ metadata }) => metadata.namespace === namespace && metadata.name === outerName(service),
    );
    return outer ? selectedSlots(outer) : null;
  };
}
