import { kinds, kubernetesCluster, label, selector } from '@eve/adapter-kubernetes';
import { type Config, kubeconfigPlace } from '@eve/server';

/** Removes every namespace of an installation from its cluster, volumes and all. Answers how many there were. */
export async function removeNamespaces(config: Config, installation: string): Promise<number> {
  const cluster = await kubernetesCluster(kubeconfigPlace(config));
  const labels = selector({ [label.installation]: installation });
  const ours = await cluster.list(kinds.Namespace, { labels });
  for (const { metadata } of ours)
    await cluster.remove(kinds.Namespace, { name: metadata.name }, { uid: metadata.uid });
  return ours.length;
}
