import { type Cluster, kinds, type Pod } from '@eve/adapter-kubernetes';
import { digestIn, mainContainer, mainStatus } from './instance.ts';

/**
 * For pods whose machine tells another digest than they asked for, all that it has for the image. Of one that came by several
 * digests, such as from two builds with the same result, a kubelet tells any.
 */
export async function otherDigests(cluster: Cluster, pods: readonly Pod[]): Promise<ReadonlyMap<string, string[]>> {
  const unclear = pods.filter((pod) => {
    const told = digestIn(mainStatus(pod)?.imageID);
    const asked = digestIn(pod.spec.containers.find(({ name }) => name === mainContainer)?.image);
    return told !== null && asked !== null && told !== asked;
  });
  const found = new Map<string, string[]>();
  for (const [machine, theirs] of Map.groupBy(unclear, ({ spec }) => spec.nodeName ?? '')) {
    const node = machine ? await cluster.get(kinds.Node, machine) : null;
    for (const pod of theirs) {
      const id = mainStatus(pod)?.imageID ?? '';
      const image = node?.status?.images?.find(({ names = [] }) => names.includes(id));
      found.set(pod.metadata.name, image?.names?.flatMap((name) => digestIn(name) ?? []) ?? []);
    }
  }
  return found;
}
