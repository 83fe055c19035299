import { addressOf, type ClusterPlace, clusterDomain, kubeconfigOf, nodeName } from './place.ts';

export function podNetwork(place: ClusterPlace): object {
  const ranges = [[{ subnet: `${place.podNet}.0/24`, rangeStart: `${place.podNet}.10` }]];
  const ipam = { type: 'host-local', dataDir: `${place.directory}/addresses`, ranges, routes: [{ dst: '0.0.0.0/0' }] };
  const bridge = { type: 'bridge', bridge: place.bridge, isGateway: true, hairpinMode: true, ipam };
  return { cniVersion: '1.0.0', name: place.bridge, plugins: [bridge] };
}

export function proxySettings(place: ClusterPlace): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    bindAddress: addressOf(place),
    healthzBindAddress: '',
    metricsBindAddress: `${addressOf(place)}:10249`,
    clusterCIDR: `${place.podNet}.0/24`,
    hostnameOverride: nodeName,
    clientConnection: { kubeconfig: kubeconfigOf(place, 'proxy') },
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

export function dnsSettings(place: ClusterPlace): string {
  return `.:53 {
  bind ${addressOf(place)}
  errors
  kubernetes ${clusterDomain} in-addr.arpa {
    kubeconfig ${kubeconfigOf(place, 'dns')}
    ttl 1
  }
  forward . ${place.directory}/resolv.conf
  cache 1
}
`;
}

/** What the name server may read. */
export function dnsRights(): readonly object[] {
  const rule = (group: string, ...resources: string[]) => ({ apiGroups: [group], resources, verbs: ['list', 'watch'] });
  const metadata = { name: 'eve:dns' };
  const group = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata,
      rules: [rule('', 'services', 'namespaces'), rule('discovery.k8s.io', 'endpointslices')],
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'eve:dns' },
      subjects: [{ apiGroup: group, kind: 'User', name: 'eve:dns' }],
    },
  ];
}

/** Pods reach the world under the machine's address, by one table of our own. */
export function outward({ bridge, podNet, serviceNet }: ClusterPlace): string {
  const own = `{ ${podNet}.0/24, ${serviceNet}.0/24 }`;
  return `add table ip ${bridge}
flush table ip ${bridge}
add chain ip ${bridge} outward { type nat hook postrouting priority srcnat; }
add rule ip ${bridge} outward ip saddr ${podNet}.0/24 ip daddr != ${own} masquerade
`;
}

/** Rules for the chain FORWARD, which drops what it does not know where Docker has been on the machine. */
export function passingRules(bridge: string): readonly (readonly string[])[] {
  return ['-i', '-o'].map((way) => ['FORWARD', way, bridge, '-j', 'ACCEPT']);
}
