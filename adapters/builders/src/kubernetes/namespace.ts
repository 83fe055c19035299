import { createHash } from 'node:crypto';
import {
  type ConfigMap,
  isRefused,
  kinds,
  label,
  type Namespace,
  type NetworkPolicy,
  openAddresses,
  type ServiceAccount,
  type Wanted,
} from '@eve/adapter-kubernetes';
import { registryLines } from '../buildkit/daemon-config.ts';
import { account, user } from './job.ts';
import type { JobOptions, KubernetesBuildkitOptions } from './options.ts';
import { buildLabel, place, socket } from './place.ts';

type Place = Pick<JobOptions, 'namespace' | 'installation'>;

/** What of Kubernetes' levels of Pod Security builds need of their namespace. */
export type PodSecurity = 'privileged' | 'baseline';

/** A rootless daemon passes `baseline`; only what has to be freed of its confinement needs more. */
export function podSecurityOf({ privileged, unconfined }: KubernetesBuildkitOptions): PodSecurity {
  return privileged || unconfined ? 'privileged' : 'baseline';
}

/** Makes the namespace of builds with what is in it for all of them. A namespace that somebody else made is left as it is. */
export async function prepareNamespace(
  options: Pick<JobOptions, 'cluster' | 'namespace' | 'installation' | 'closedNetworks'>,
  level: PodSecurity,
  configMap: Wanted<ConfigMap> | null,
): Promise<void> {
  const { cluster } = options;
  if (await isOurs(options)) await cluster.apply(kinds.Namespace, namespaceOf(options, level));
  await cluster.apply(kinds.ServiceAccount, accountOf(options));
  await cluster.apply(kinds.NetworkPolicy, networkPolicyOf(options));
  if (configMap) await cluster.apply(kinds.ConfigMap, configMap);
}

/** Whether the namespace is ours, or there is none yet. Who may not look has been given one by somebody who may. */
async function isOurs({ cluster, namespace }: Pick<JobOptions, 'cluster' | 'namespace'>): Promise<boolean> {
  try {
    const found = await cluster.get(kinds.Namespace, namespace);
    return found === null || found.metadata.labels?.[label.managedBy] === 'eve';
  } catch (error) {
    if (isRefused(error, 'no_rights')) return false;
    throw error;
  }
}

function ownLabels({ installation }: Place) {
  return { [label.managedBy]: 'eve', [label.installation]: installation };
}

function namespaceOf(options: Place, level: PodSecurity): Wanted<Namespace> {
  const labels = {
    ...ownLabels(options),
    'pod-security.kubernetes.io/enforce': level,
    'pod-security.kubernetes.io/warn': level,
  };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: options.namespace, labels } };
}

function accountOf(options: Place): Wanted<ServiceAccount> {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: account, namespace: options.namespace, labels: ownLabels(options) },
    automountServiceAccountToken: false,
  };
}

/** Nobody reaches a build; it reaches what is not closed to it. */
export function networkPolicyOf(options: Place & Pick<JobOptions, 'closedNetworks'>): Wanted<NetworkPolicy> {
  const names = {
    to: [{ namespaceSelector: {} }],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  } as const;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'eve-builds', namespace: options.namespace, labels: ownLabels(options) },
    spec: {
      podSelector: { matchExpressions: [{ key: buildLabel.builder, operator: 'Exists' }] },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [names, { to: openAddresses(options.closedNetworks) }],
    },
  };
}

/** The daemon's settings, under a name that changes with them: running builds keep theirs. */
export function daemonSettings(options: KubernetesBuildkitOptions): Wanted<ConfigMap> {
  const { privileged = false, mirror = null, insecureHosts = [] } = options;
  const text = [
    `root = ${JSON.stringify(place.state)}`,
    'insecure-entitlements = []',
    '[grpc]',
    `address = [${JSON.stringify(socket)}]`,
    // The client is no root: it reaches the socket through the group that both have.
    ...(privileged ? [`gid = ${user}`] : []),
    '[worker.containerd]',
    'enabled = false',
    '[worker.oci]',
    'enabled = true',
    // The pod's own network, in which nobody but this build is.
    'networkMode = "host"',
    'gc = false',
    ...(privileged ? [] : ['rootless = true', 'noProcessSandbox = true']),
    ...registryLines({ mirror, insecureHosts: insecureHosts.filter((host) => host !== '*') }),
    '',
  ].join('\n');
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `eve-buildkitd-${digest}`, namespace: options.namespace, labels: ownLabels(options) },
    immutable: true,
    data: { 'buildkitd.toml': text },
  };
}
