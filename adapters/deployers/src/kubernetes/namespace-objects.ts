import {
  type ConfigMap,
  environmentEgress,
  environmentNamespace,
  label,
  type Namespace,
  type NetworkPolicy,
  type Secret,
  type ServiceAccount,
  pullSecret as secretOfLogins,
  type Wanted,
} from '@eve/adapter-kubernetes';
import type { DeployTarget, RegistryLogin, ReleaseInfo, ServiceTarget } from '@eve/operations';

export const accountName = 'eve-app';
/** Of Eve's own registry: for every pod of the namespace, by its ServiceAccount. */
export const ownLoginSecret = 'eve-pull';
/** Of registries that users brought: only for the Deployments that pull from them. */
export const loginsSecret = 'eve-registry';
export const releaseInfoName = 'release-info';

/** What tells whose an object is. */
export function environmentLabels(
  { environment }: Pick<DeployTarget, 'environment'>,
  installation: string,
): Record<string, string> {
  return {
    [label.managedBy]: 'eve',
    [label.installation]: installation,
    [label.tenant]: environment.tenantId,
    [label.project]: environment.projectId,
    [label.environment]: environment.id,
  };
}

interface Whose {
  readonly namespace: string;
  /** Of its environment. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The namespace of an environment. */
export function namespaceObject({ namespace, labels }: Whose): Wanted<Namespace> {
  return environmentNamespace(namespace, labels);
}

/** Whom the pods are: somebody without any right in the cluster. */
export function serviceAccount({ namespace, labels }: Whose, hasLogin: boolean): Wanted<ServiceAccount> {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: accountName, namespace, labels },
    automountServiceAccountToken: false,
    ...(hasLogin && { imagePullSecrets: [{ name: ownLoginSecret }] }),
  };
}

/** The logins that pull these services' images: Eve's own registry's, and those of all others. */
export function pullLogins(
  services: readonly Pick<ServiceTarget, 'login'>[],
  ownRegistryHost: string | null,
): { readonly own: readonly RegistryLogin[]; readonly others: readonly RegistryLogin[] } {
  const byHost = new Map(services.flatMap(({ login }) => (login ? [[login.host, login] as const] : [])));
  const logins = [...byHost.values()];
  return {
    own: logins.filter(({ host }) => host === ownRegistryHost),
    others: logins.filter(({ host }) => host !== ownRegistryHost),
  };
}

/** Logins for the pods of a namespace. */
export function pullSecret(
  { namespace, labels }: Whose,
  name: string,
  logins: readonly RegistryLogin[],
): Wanted<Secret> {
  return secretOfLogins({ name, namespace, labels }, logins);
}

/** From outside the namespace only the ports that are routed are reached, and out of it all but clouds' metadata. */
export function networkPolicies(
  { namespace, labels }: Whose,
  services: readonly ServiceTarget[],
): Wanted<NetworkPolicy>[] {
  const policy = (
    name: string,
    spec: NetworkPolicy['spec'],
    more: Readonly<Record<string, string>> = {},
  ): Wanted<NetworkPolicy> => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels: { ...labels, ...more } },
    spec,
  });
  const inside = policy('eve-inside', {
    podSelector: {},
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: {} }] }],
  });
  const routed = services.filter(({ service }) => service.ports.length > 0);
  return [
    inside,
    environmentEgress(namespace, labels),
    ...routed.map(({ service }) => {
      const of = { [label.service]: service.name };
      const ports = service.ports.map(({ container }) => ({ protocol: 'TCP' as const, port: container }));
      const spec = { podSelector: { matchLabels: of }, policyTypes: ['Ingress' as const], ingress: [{ ports }] };
      // No service can be called so that its policy takes the place of one for all.
      return policy(`eve-service-${service.name}`, spec, of);
    }),
  ];
}

/** The same policy, with what one that is there lets in: its instances may still serve. */
export function alsoAllowing(policy: Wanted<NetworkPolicy>, there: NetworkPolicy | null): Wanted<NetworkPolicy> {
  if (!policy.spec.ingress) return policy;
  const key = (rule: object) => JSON.stringify(rule, ['ports', 'port', 'protocol', 'from', 'podSelector']);
  const rules = [...policy.spec.ingress, ...(there?.spec.ingress ?? [])];
  const ingress = [...new Map(rules.map((rule) => [key(rule), rule])).values()];
  return { ...policy, spec: { ...policy.spec, ingress } };
}

/** For people and programs in the namespace: which release serves in it. */
export function releaseInfo(
  { namespace, labels }: Whose,
  { version, tag, gitSha, builtAt, buildNumber }: ReleaseInfo,
): Wanted<ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: releaseInfoName, namespace, labels },
    data: {
      version: version ?? tag ?? '',
      'git-sha': gitSha ?? '',
      'build-date': builtAt?.toISOString() ?? '',
      'build-number': buildNumber === null ? '' : String(buildNumber),
    },
  };
}
