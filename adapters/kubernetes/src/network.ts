import type { Wanted } from './cluster.ts';
import type { NetworkPeer, NetworkPolicy } from './routing-shapes.ts';

// Where clouds tell machines their credentials.
const metadataNetworks = ['169.254.0.0/16', 'fd00:ec2::254/128', 'fe80::/10'];

/** Every address but those at which clouds tell machines their credentials, and but networks that are closed besides. */
export function openAddresses(closed: readonly string[] = []): NetworkPeer[] {
  const all = [...metadataNetworks, ...closed];
  const isV6 = (network: string) => network.includes(':');
  return [
    { ipBlock: { cidr: '0.0.0.0/0', except: all.filter((network) => !isV6(network)) } },
    { ipBlock: { cidr: '::/0', except: all.filter(isV6) } },
  ];
}

/** What runs in an environment reaches everything but clouds' metadata. */
export function environmentEgress(namespace: string, labels: Readonly<Record<string, string>>): Wanted<NetworkPolicy> {
  // A machine's own resolver may have an address among those that are closed.
  const names = {
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  } as const;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'eve-outside', namespace, labels },
    spec: {
      podSelector: {},
      policyTypes: ['Egress'],
      // Some networks do not count pods among addresses.
      egress: [names, { to: [{ namespaceSelector: {} }, ...openAddresses()] }],
    },
  };
}
