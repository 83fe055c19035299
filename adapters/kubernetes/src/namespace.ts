import { createHash } from 'node:crypto';
import type { Wanted } from './cluster.ts';
import type { Namespace } from './shapes.ts';

const longest = 63;

/** The namespace of an environment: its place, cut where that is longer than a namespace's name may be. */
export function namespaceOf(place: string): string {
  if (place.length <= longest) return place;
  const digest = createHash('sha256').update(place).digest('hex').slice(0, 8);
  return `${place.slice(0, longest - 9).replace(/-+$/, '')}-${digest}`;
}

/** The namespace of an environment. Images that run as root are let in; what "restricted" would refuse is told to whoever deploys by hand. */
export function environmentNamespace(name: string, labels: Readonly<Record<string, string>>): Wanted<Namespace> {
  const security = {
    'pod-security.kubernetes.io/enforce': 'baseline',
    'pod-security.kubernetes.io/warn': 'restricted',
  };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...labels, ...security } } };
}
