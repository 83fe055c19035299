import { kinds, type Pod, type Wanted } from '@eve/adapter-kubernetes';
import { DeployFailed } from '@eve/domain';
import type { DeployTarget, ServiceTarget } from '@eve/operations';
import { applyDeployment, applyOwn } from './apply-own.ts';
import { configObjects } from './config-objects.ts';
import type { KubernetesSettings } from './context.ts';
import { withLocalName } from './deployment-acts.ts';
import { deployment } from './deployment-object.ts';
import { accountName, namespaceObject } from './namespace-objects.ts';
import { isPlaceThere, whose } from './place.ts';
import { orRefused } from './refused.ts';
import { hasName, innerService } from './service-objects.ts';
import { choose, type Standing, servingSlots } from './standing.ts';

/** What a deploy has to be allowed to make; nothing can be tried in a namespace that is not there. */
const needed = [kinds.Deployment, kinds.Service, kinds.ConfigMap, kinds.Secret, kinds.ServiceAccount];

/** Has the cluster check all that a deploy would change, without changing anything. Throws DeployFailed for what it refuses. */
export async function dryRun(
  settings: KubernetesSettings,
  standing: Standing,
  target: DeployTarget,
  namespace: string,
): Promise<void> {
  const { cluster, installation } = settings;
  const context = { target, namespace, installation };
  if (!(await orRefused(null, () => isPlaceThere(cluster, context)))) {
    await orRefused(null, () => cluster.apply(kinds.Namespace, namespaceObject(whose(context)), { dryRun: true }));
    await refuseWithoutRights(settings, namespace);
    return;
  }
  const hasAccount = (await cluster.get(kinds.ServiceAccount, accountName, namespace)) !== null;
  await Promise.all(
    target.services.map((wanted) =>
      orRefused(wanted.service.name, () => tryService(settings, standing, { target, namespace, wanted, hasAccount })),
    ),
  );
}

async function tryService(
  settings: KubernetesSettings,
  standing: Standing,
  asked: {
    readonly target: DeployTarget;
    readonly namespace: string;
    readonly wanted: ServiceTarget;
    readonly hasAccount: boolean;
  },
): Promise<void> {
  const { target, namespace, wanted, hasAccount } = asked;
  const { cluster, installation } = settings;
  const { kind, slot, there } = choose(standing, target, wanted);
  if (kind === 'kept' || kind === 'again') return;
  const trial = { dryRun: true };
  const { plain, secret } = configObjects(target, wanted, { installation, namespace });
  const runnable = await withLocalName(cluster, wanted);
  const object = deployment(target, runnable, { ...settings, namespace, slot });
  // What lies in the slot that does not serve is removed before: nobody's fields are in the way there.
  if (kind === 'beside' && there) await cluster.apply(kinds.Deployment, object, { ...trial, force: true });
  else await applyDeployment(cluster, object, trial);
  await cluster.apply(kinds.ConfigMap, plain, trial);
  if (secret) await cluster.apply(kinds.Secret, secret, trial);
  if (hasName(wanted)) {
    const name = innerService(
      whose({ target, namespace, installation }),
      wanted,
      servingSlots(standing, wanted.service.name),
    );
    await applyOwn(cluster, kinds.Service, name, ['.spec.selector'], trial);
  }
  // Quotas and rules about pods speak only when a pod is made.
  if (hasAccount) await cluster.apply(kinds.Pod, podLike(namespace, object.metadata.name, object.spec.template), trial);
}

function podLike(
  namespace: string,
  name: string,
  { metadata, spec }: { metadata?: object; spec: Pod['spec'] },
): Wanted<Pod> {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: `${name}-tried`, namespace }, spec };
}

async function refuseWithoutRights({ cluster }: KubernetesSettings, namespace: string): Promise<void> {
  for (const { apiVersion, plural } of needed) {
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    if (await cluster.may('patch', { group, plural, namespace })) continue;
    throw new DeployFailed({
      code: 'no_rights',
      message: `Eve lacks the right to patch ${plural}${group ? ` (${group})` : ''} in namespace ${namespace}.`,
      service: null,
      hint: 'Give this right to the account that Eve uses in the cluster, or ask who may.',
      probes: [],
      logs: [],
      instances: [],
    });
  }
}
