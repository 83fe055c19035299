import { groupOf } from './control-groups.ts';
import {
  addressOf,
  type ClusterPlace,
  certificateOf,
  clusterDomain,
  containerdSocket,
  keyOf,
  kubeconfigOf,
  nodeName,
  pauseImage,
  registriesOf,
  registryOf,
} from './place.ts';

/** The command lines of the control plane, in the order in which they start. */
export function controlPlane(
  place: ClusterPlace,
): Readonly<Record<'etcd' | 'kube-apiserver', readonly string[]>> &
  Readonly<Record<'kube-controller-manager' | 'kube-scheduler', readonly string[]>> {
  const address = addressOf(place);
  const etcd = `http://${address}:2379`;
  const peers = `http://${address}:2380`;
  const key = (name: string) => keyOf(place, name);
  const certificate = (name: string) => certificateOf(place, name);
  return {
    etcd: [
      ...[`--name=${nodeName}`, `--data-dir=${place.directory}/etcd`, '--unsafe-no-fsync', '--log-level=warn'],
      ...[`--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
      ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`],
      `--initial-cluster=${nodeName}=${peers}`,
    ],
    'kube-apiserver': [
      ...[`--etcd-servers=${etcd}`, `--bind-address=${address}`, `--advertise-address=${address}`],
      ...[`--service-cluster-ip-range=${place.serviceNet}.0/24`, '--authorization-mode=Node,RBAC'],
      ...['--enable-admission-plugins=NodeRestriction', '--allow-privileged=true'],
      ...[`--tls-cert-file=${certificate('apiserver')}`, `--tls-private-key-file=${key('apiserver')}`],
      `--client-ca-file=${certificate('ca')}`,
      `--kubelet-certificate-authority=${certificate('ca')}`,
      `--kubelet-client-certificate=${certificate('apiserver-client')}`,
      `--kubelet-client-key=${key('apiserver-client')}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${key('service-accounts')}`,
      `--service-account-key-file=${key('service-accounts')}`,
    ],
    'kube-controller-manager': [
      ...[`--kubeconfig=${kubeconfigOf(place, 'controller-manager')}`, '--bind-address=127.0.0.1', '--secure-port=0'],
      ...['--leader-elect=false', '--use-service-account-credentials=true'],
      ...['--kube-api-qps=300', '--kube-api-burst=500'],
      `--service-account-private-key-file=${key('service-accounts')}`,
      `--root-ca-file=${certificate('ca')}`,
      '--enable-hostpath-provisioner=true',
      `--flex-volume-plugin-dir=${place.directory}/kubelet/plugins`,
    ],
    'kube-scheduler': [
      ...[`--kubeconfig=${kubeconfigOf(place, 'scheduler')}`, '--bind-address=127.0.0.1', '--secure-port=0'],
      '--leader-elect=false',
    ],
  };
}

/** Without a limit on what its OOM score may be set to, runc cannot start a pod where the machine lacks that right. */
export function containerdSettings(place: ClusterPlace, cniPrograms: string): string {
  const { directory } = place;
  const unused = ['btrfs', 'zfs', 'devmapper'].map((name) => `"io.containerd.snapshotter.v1.${name}"`).join(', ');
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${directory}/containerd"
state = "${directory}/containerd-state"
disabled_plugins = [${unused}]
[grpc]
address = "${containerdSocket(place)}"
[${cri}]
sandbox_image = "${pauseImage}"
restrict_oom_score_adj = true
[${cri}.cni]
bin_dir = "${cniPrograms}"
conf_dir = "${directory}/cni"
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[${cri}.registry]
config_path = "${registriesOf(place)}"
`;
}

/** How containerd reaches a registry that speaks plain HTTP. */
export function plainRegistry(host: string): string {
  return `server = "http://${host}"\n[host."http://${host}"]\ncapabilities = ["pull", "resolve"]\n`;
}

/** Intervals are short: what takes a minute by default is a test's whole time. */
export function kubeletSettings(place: ClusterPlace): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: addressOf(place),
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: groupOf(place),
    containerRuntimeEndpoint: `unix://${containerdSocket(place)}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificateOf(place, 'ca') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificateOf(place, 'kubelet'),
    tlsPrivateKeyFile: keyOf(place, 'kubelet'),
    resolvConf: `${place.directory}/resolv.conf`,
    clusterDomain,
    clusterDNS: [addressOf(place)],
    podLogsDir: `${place.directory}/pod-logs`,
    volumePluginDir: `${place.directory}/kubelet/plugins`,
    healthzBindAddress: '127.0.0.1',
    healthzPort: 0,
    failSwapOn: false,
    syncFrequency: '5s',
    serializeImagePulls: false,
    enforceNodeAllocatable: [],
    makeIPTablesUtilChains: false,
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  };
}

/** A registry from which everybody may read, and to which everybody may write. */
export function registrySettings(place: ClusterPlace): object {
  return {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: `${place.directory}/registry` }, delete: { enabled: true } },
    http: { addr: registryOf(place) },
  };
}

/** Directories of the machine for whoever asks for a volume. */
export function storage(): object {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'directories', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'kubernetes.io/host-path',
    reclaimPolicy: 'Delete',
  };
}
