import { type ConfigMap, kinds, label, type PodTemplate, type Secret, selector } from '@eve/adapter-kubernetes';
import type { ActContext } from './context.ts';

const configName = /-c\d+-[0-9a-f]{8}$/;

/** Removes variables of services that no template names any more, neither one that runs nor one that could be gone back to. */
export async function pruneConfigs({ cluster, target, namespace, installation }: ActContext): Promise<void> {
  const ours = { [label.installation]: installation, [label.environment]: target.environment.id };
  const ofServices = { namespace, labels: selector({ ...ours, [label.service]: true }) };
  const [configs, secrets, deployments, sets] = await Promise.all([
    cluster.list(kinds.ConfigMap, ofServices),
    cluster.list(kinds.Secret, ofServices),
    cluster.list(kinds.Deployment, ofServices),
    cluster.list(kinds.ReplicaSet, ofServices),
  ]);
  const used = new Set([...deployments, ...sets].flatMap(({ spec }) => configsOf(spec.template)));
  const isUnused = ({ metadata: { name } }: ConfigMap | Secret) => configName.test(name) && !used.has(name);
  for (const { metadata } of configs.filter(isUnused))
    await cluster.remove(kinds.ConfigMap, { name: metadata.name, namespace }, { uid: metadata.uid });
  for (const { metadata } of secrets.filter(isUnused))
    await cluster.remove(kinds.Secret, { name: metadata.name, namespace }, { uid: metadata.uid });
}

/** The names of the objects that a template takes variables from. */
export function configsOf({ spec }: PodTemplate): string[] {
  return spec.containers.flatMap(({ envFrom = [] }) =>
    envFrom.flatMap(({ configMapRef, secretRef }) =>
      [configMapRef?.name, secretRef?.name].filter((name) => name !== undefined),
    ),
  );
}
