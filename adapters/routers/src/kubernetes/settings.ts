import type { Cluster } from '@eve/adapter-kubernetes';

/** How services are reached from outside: by the routes of one Gateway, by one class of Ingresses, or not at all. */
export type Entrance =
  | { readonly by: 'gateway'; readonly namespace: string; readonly name: string }
  /** `nginx`: its controller is ingress-nginx, which divides traffic by weight. */
  | { readonly by: 'ingress'; readonly className: string; readonly nginx: boolean }
  | { readonly by: 'nothing' };

export interface RouterSettings {
  readonly cluster: Cluster;
  readonly installation: string;
  /** Where the router keeps which table is in force. */
  readonly namespace: string;
  readonly entrance: Entrance;
}

/** Whether a share of the traffic can be sent to a slot whatever the number of its instances. */
export function dividesByWeight(entrance: Entrance): boolean {
  return entrance.by === 'gateway' || (entrance.by === 'ingress' && entrance.nginx);
}
