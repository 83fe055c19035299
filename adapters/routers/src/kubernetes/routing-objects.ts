import {
  type HTTPRoute,
  type Ingress,
  label,
  objectName,
  type Service,
  type Slot,
  serviceSelector,
  type Wanted,
} from '@eve/adapter-kubernetes';
import type { Route, RoutingTable } from '@eve/operations';
import { hostsOf, type RoutedService, routedServices } from './routed-service.ts';
import { dividesByWeight, type RouterSettings } from './settings.ts';

/** Only what the router made carries it. */
export const routingLabel = 'eve.dev/routing';

/** What a cluster has to hold for a table to be in force. */
export interface RoutingObjects {
  readonly services: readonly Wanted<Service>[];
  readonly ingresses: readonly Wanted<Ingress>[];
  readonly httpRoutes: readonly Wanted<HTTPRoute>[];
}

export interface Around {
  /** The slots that a service's outer Service leads to now; null when it has none. */
  readonly standing: (namespace: string, service: string) => readonly Slot[] | null;
  /** Hosts that somebody else has: they are left to them. */
  readonly refused: ReadonlySet<string>;
}

type Settings = Pick<RouterSettings, 'installation' | 'entrance'>;

const nginx = 'nginx.ingress.kubernetes.io';

/** What a service is reached by from outside its namespace. */
export function outerName(service: string): string {
  return `${service}-public`;
}

/** The whole of what a table asks of a cluster, as a value a test can read. */
export function routingObjects(table: RoutingTable, settings: Settings, around: Around): RoutingObjects {
  // Before anything serves there is nothing to reach, and maybe no namespace.
  const isKnown = ({ namespace, service, shares }: RoutedService) =>
    shares.size > 0 || around.standing(namespace, service) !== null;
  const all = routedServices(table)
    .filter(isKnown)
    .map((routed) => objectsOf(table, settings, around, routed));
  return {
    services: all.flatMap(({ services }) => services),
    ingresses: all.flatMap(({ ingresses }) => ingresses),
    httpRoutes: all.flatMap(({ httpRoutes }) => httpRoutes),
  };
}

function objectsOf(
  { domain }: RoutingTable,
  settings: Settings,
  { standing, refused }: Around,
  routed: RoutedService,
): RoutingObjects {
  const { entrance } = settings;
  const { namespace, service, routes, shares } = routed;
  const hosted = routes.flatMap((route) => {
    const hosts = hostsOf(route, domain).filter((host) => !refused.has(host));
    return hosts.length > 0 && entrance.by !== 'nothing' ? [{ route, hosts }] : [];
  });
  const outer = outerName(service);
  const serving = [...shares.keys()];
  const isDivided = serving.length > 1 && hosted.length > 0 && dividesByWeight(entrance);
  if (!isDivided) {
    const services = [serviceObject(settings, routed, outer, serving)];
    return { services, ...entrances(settings, routed, hosted, [{ name: outer, weight: 1 }]) };
  }
  // Its outer Service stays where it is until all of the traffic has moved: a part of it is for the entrance to divide.
  const heavier = serving.reduce((a, b) => ((shares.get(b) ?? 0) > (shares.get(a) ?? 0) ? b : a));
  const [present, ...more] = standing(namespace, service) ?? [];
  const main = present !== undefined && more.length === 0 && serving.includes(present) ? present : heavier;
  const ordered = serving.toSorted((a, b) => Number(b === main) - Number(a === main));
  const parts = ordered.map((slot) => ({ slot, name: `${outer}-${slot}`, weight: shares.get(slot) ?? 0 }));
  return {
    services: [
      ...parts.map(({ slot, name }) => serviceObject(settings, routed, name, [slot])),
      serviceObject(settings, routed, outer, [main]),
    ],
    ...entrances(settings, routed, hosted, parts),
  };
}

interface Hosted {
  readonly route: Route;
  readonly hosts: readonly string[];
}

interface Part {
  readonly name: string;
  readonly weight: number;
}

function entrances(
  settings: Settings,
  routed: RoutedService,
  hosted: readonly Hosted[],
  parts: readonly Part[],
): Pick<RoutingObjects, 'ingresses' | 'httpRoutes'> {
  const { entrance } = settings;
  switch (entrance.by) {
    case 'gateway': {
      const parent = { ...gatewayKind, name: entrance.name, namespace: entrance.namespace };
      const httpRoutes = hosted.map((each) => httpRoute(settings, routed, each, parent, parts));
      return { ingresses: [], httpRoutes };
    }
    case 'ingress':
      return {
        ingresses: hosted.flatMap((each) => ingressesOf(settings, routed, each, entrance.className, parts)),
        httpRoutes: [],
      };
    case 'nothing':
      return { ingresses: [], httpRoutes: [] };
  }
}

const gatewayKind = { group: 'gateway.networking.k8s.io', kind: 'Gateway' } as const;

function metadataOf(settings: Settings, { namespace, environmentId, service }: RoutedService, name: string) {
  const labels = {
    [label.managedBy]: 'eve',
    [label.installation]: settings.installation,
    [label.environment]: environmentId,
    [label.service]: service,
    [routingLabel]: 'outer',
  };
  return { name, namespace, labels };
}

function serviceObject(
  settings: Settings,
  routed: RoutedService,
  name: string,
  serving: readonly Slot[],
): Wanted<Service> {
  const ports = [...new Set(routed.routes.map(({ containerPort }) => containerPort))];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(settings, routed, name),
    spec: {
      type: 'ClusterIP',
      selector: serviceSelector(routed.service, serving),
      ports: ports.map((port) => ({ name: `p${port}`, port, targetPort: port, protocol: 'TCP' })),
    },
  };
}

function httpRoute(
  settings: Settings,
  routed: RoutedService,
  { route, hosts }: Hosted,
  parent: NonNullable<HTTPRoute['spec']['parentRefs']>[number],
  parts: readonly Part[],
): Wanted<HTTPRoute> {
  const backendRefs = parts.map(({ name, weight }) => ({
    ...{ group: '', kind: 'Service' },
    ...{ name, port: route.containerPort, weight },
  }));
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: metadataOf(settings, routed, entranceName(route)),
    spec: { parentRefs: [parent], hostnames: hosts, rules: [{ backendRefs }] },
  };
}

/** One Ingress, and where the traffic is divided another one that gets a part of it. */
function ingressesOf(
  settings: Settings,
  routed: RoutedService,
  { route, hosts }: Hosted,
  ingressClassName: string,
  parts: readonly Part[],
): Wanted<Ingress>[] {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  return parts.map(({ name, weight }, index): Wanted<Ingress> => {
    const service = { name, port: { number: route.containerPort } };
    const paths = [{ path: '/', pathType: 'Prefix' as const, backend: { service } }];
    const metadata = metadataOf(settings, routed, `${entranceName(route)}${index === 0 ? '' : '-canary'}`);
    const canary = {
      [`${nginx}/canary`]: 'true',
      [`${nginx}/canary-weight`]: String(weight),
      [`${nginx}/canary-weight-total`]: String(total),
    };
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { ...metadata, ...(index > 0 && { annotations: canary }) },
      spec: { ingressClassName, rules: hosts.map((host) => ({ host, http: { paths } })) },
    };
  });
}

function entranceName({ service, containerPort }: Route): string {
  return objectName(`${service}-${containerPort}`);
}
