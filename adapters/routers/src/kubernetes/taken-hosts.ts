import { type ClusterObject, type HTTPRoute, type Ingress, kinds, label } from '@eve/adapter-kubernetes';
import type { EnvironmentId } from '@eve/domain';
import type { RoutingTable } from '@eve/operations';
import { hostsOf } from './routed-service.ts';
import { routingLabel } from './routing-objects.ts';
import type { RouterSettings } from './settings.ts';

/** A host that a table asks for and somebody else has. */
export interface TakenHost {
  readonly host: string;
  /** Whose route asks for it. */
  readonly route: string;
  readonly environmentId: EnvironmentId;
  /** What has it, such as `Ingress web in namespace shop`. */
  readonly by: string;
}

/** The hosts of a table that are not ours yet and that an Ingress or HTTPRoute has which is not ours. */
export async function takenHosts(
  { cluster, installation, entrance }: RouterSettings,
  { routes, domain }: RoutingTable,
  ours: ReadonlySet<string>,
): Promise<TakenHost[]> {
  if (entrance.by === 'nothing') return [];
  const asked = routes.flatMap((route) =>
    hostsOf(route, domain).map((host) => ({ host, route: route.id, environmentId: route.environmentId })),
  );
  const fresh = asked.filter(({ host }) => !ours.has(host));
  // Who has a host keeps it: only for a new one all of the cluster is looked through.
  if (fresh.length === 0) return [];
  const others = new Map<string, string>();
  const note = (object: ClusterObject, hosts: readonly string[]) => {
    const { name, namespace, labels = {} } = object.metadata;
    if (labels[routingLabel] && labels[label.installation] === installation) return;
    for (const host of hosts) others.set(host.toLowerCase(), `${object.kind} ${name} in namespace ${namespace}`);
  };
  if (entrance.by === 'gateway')
    for (const each of await cluster.list(kinds.HTTPRoute, {})) note(each, hostnames(each));
  else
    for (const each of await cluster.list(kinds.Ingress, {}))
      if (isOfClass(each, entrance.className)) note(each, ruleHosts(each));
  return fresh.flatMap((each) => {
    const by = others.get(each.host);
    return by === undefined ? [] : [{ ...each, by }];
  });
}

export function ruleHosts({ spec }: Pick<Ingress, 'spec'>): string[] {
  return (spec.rules ?? []).flatMap(({ host }) => host ?? []);
}

export function hostnames({ spec }: Pick<HTTPRoute, 'spec'>): readonly string[] {
  return spec.hostnames ?? [];
}

/** An Ingress without a class may belong to any. */
function isOfClass({ metadata, spec }: Ingress, className: string): boolean {
  const named = spec.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'];
  return named === undefined || named === className;
}
