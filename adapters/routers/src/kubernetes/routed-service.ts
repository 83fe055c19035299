import { namespaceOf, type Slot, slotOf, slots } from '@eve/adapter-kubernetes';
import type { EnvironmentId } from '@eve/domain';
import type { Route, RoutingTable } from '@eve/operations';

/** One service of an environment with all that is routed to it. */
export interface RoutedService {
  readonly namespace: string;
  readonly environmentId: EnvironmentId;
  readonly service: string;
  readonly routes: readonly Route[];
  /** The slots whose instances get traffic, with the sum of their weights. */
  readonly shares: ReadonlyMap<Slot, number>;
}

/** The services of a table, each once. */
export function routedServices({ routes }: Pick<RoutingTable, 'routes'>): RoutedService[] {
  const byService = Map.groupBy(routes, ({ place, service }) => `${place}/${service}`);
  return [...byService.values()].flatMap((routesOfOne) => {
    const [first] = routesOfOne;
    if (!first) return [];
    const { place, environmentId, service } = first;
    const sorted = routesOfOne.toSorted((a, b) => a.containerPort - b.containerPort);
    return [{ namespace: namespaceOf(place), environmentId, service, routes: sorted, shares: sharesOf(first) }];
  });
}

function sharesOf({ service, backends }: Route): Map<Slot, number> {
  const shares = new Map<Slot, number>();
  for (const slot of slots) {
    const serving = backends.filter(({ name, state }) => state === 'serving' && slotOf(name, service) === slot);
    const weight = serving.reduce((sum, each) => sum + each.weight, 0);
    if (weight > 0) shares.set(slot, weight);
  }
  return shares;
}

/** The host names of a route, of which the manifest's own comes last. */
export function hostsOf({ protocol, labels, host }: Route, domain: string): string[] {
  if (protocol !== 'http') return [];
  return [...labels.map((each) => `${each}.${domain}`), ...(host === null ? [] : [host])];
}
