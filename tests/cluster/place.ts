/** Where a cluster lives: a directory of its own and a network of its own, with one node. */
export interface ClusterPlace {
  /** Absolute and short: unix sockets lie below it. */
  readonly directory: string;
  /** The device that pods, services and the machine meet on. At most 15 characters. */
  readonly bridge: string;
  /** The first three numbers of the pods' /24; the machine is `.1` in it. */
  readonly podNet: string;
  /** The first three numbers of the services' /24. */
  readonly serviceNet: string;
}

export const nodeName = 'node';
export const pauseImage = 'eve.test/pause:1';
export const clusterDomain = 'cluster.local';

/** The machine's address in the cluster: everything listens there, and nothing on the machine's own networks. */
export const addressOf = ({ podNet }: ClusterPlace) => `${podNet}.1`;
export const apiOf = (place: ClusterPlace) => `https://${addressOf(place)}:6443`;
export const containerdSocket = ({ directory }: Pick<ClusterPlace, 'directory'>) => `${directory}/containerd.sock`;
export const keyOf = ({ directory }: ClusterPlace, name: string) => `${directory}/keys/${name}.key`;
export const certificateOf = ({ directory }: ClusterPlace, name: string) => `${directory}/keys/${name}.crt`;
export const registryOf = (place: ClusterPlace) => `${addressOf(place)}:5000`;
/** Below it containerd looks at every pull for how a registry is reached. */
export const registriesOf = ({ directory }: Pick<ClusterPlace, 'directory'>) => `${directory}/registries`;
export const kubeconfigOf = ({ directory }: Pick<ClusterPlace, 'directory'>, user: string) =>
  `${directory}/${user}.kubeconfig`;

/** Who has a certificate, as Kubernetes names them, and under which names servers are reached. */
export function identities(place: ClusterPlace): Readonly<Record<string, { subject: string; names: string }>> {
  const address = addressOf(place);
  const client = (subject: string) => ({ subject, names: 'DNS:client' });
  return {
    admin: client('/O=system:masters/CN=admin'),
    apiserver: {
      subject: '/CN=kube-apiserver',
      names: `IP:${address},IP:127.0.0.1,IP:${place.serviceNet}.1,DNS:localhost,DNS:kubernetes.default.svc`,
    },
    'apiserver-client': client('/O=system:masters/CN=apiserver-client'),
    'controller-manager': client('/CN=system:kube-controller-manager'),
    scheduler: client('/CN=system:kube-scheduler'),
    proxy: client('/CN=system:kube-proxy'),
    dns: client('/CN=eve:dns'),
    kubelet: { subject: `/O=system:nodes/CN=system:node:${nodeName}`, names: `IP:${address},DNS:${nodeName}` },
  };
}

/** Those who speak to the API server through a kubeconfig. */
export const clients = ['admin', 'controller-manager', 'scheduler', 'proxy', 'dns', 'kubelet'] as const;

export function kubeconfig(place: ClusterPlace, user: string): object {
  const [certificate, key] = [certificateOf(place, user), keyOf(place, user)];
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      { name: 'test', cluster: { server: apiOf(place), 'certificate-authority': certificateOf(place, 'ca') } },
    ],
    users: [{ name: user, user: { 'client-certificate': certificate, 'client-key': key } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
  };
}
