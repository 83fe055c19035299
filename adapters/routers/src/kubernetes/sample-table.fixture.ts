import type { EnvironmentId } from '@eve/domain';
import type { Backend, Route, RoutingTable } from '@eve/operations';

const environmentId: EnvironmentId = 'env_01k00000000000000000000000';

/** A route of one service, HTTP on port 3000 unless told. */
export function route(place: string, service: string, more: Partial<Route> = {}): Route {
  const containerPort = more.containerPort ?? 3000;
  return {
    id: `${more.environmentId ?? environmentId}/${service}/${containerPort}`,
    ...{ environmentId, place, service, containerPort, protocol: 'http', host: null, port: 20_000, backends: [] },
    labels: [`${service}--test--shop`],
    ...more,
  };
}

/** An instance behind a route; by its name one of the slot `blue`, or of `green`. */
export function backend(service: string, slot: 'blue' | 'green', weight = 100, state: Backend['state'] = 'serving') {
  const name = `${service}${slot === 'green' ? '-green' : ''}-7d6f9578fd-ttq7z`;
  return { name, host: '10.0.0.1', port: 3000, weight, state } satisfies Backend;
}

export function tableOf(version: number, ...routes: readonly Route[]): RoutingTable {
  return { version, domain: 'apps.example.com', httpPort: 80, routes };
}
