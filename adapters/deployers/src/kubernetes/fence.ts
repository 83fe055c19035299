import { annotation, type Cluster, isRefused, kinds } from '@eve/adapter-kubernetes';
import { type DeployId, PlatformError } from '@eve/domain';
import type { Lease } from '@eve/operations';

const remembered = 8;
const attempts = 10;

/**
 * Writes down on the namespace who acts, unless somebody came later: a later claim of the same work, or a work that was begun
 * after this one. Two that write at once see each other by the version of the object.
 */
export async function holdFence(
  cluster: Cluster,
  namespace: string,
  { lease, deployId }: { readonly lease: Lease; readonly deployId: DeployId },
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const there = await cluster.get(kinds.Namespace, namespace);
    if (!there) return;
    const { annotations = {}, resourceVersion } = there.metadata;
    const next = nextFence(annotations[annotation.fence] ?? '', lease);
    if (next === null) throw new PlatformError('lease_lost', `Another worker carries out deploy ${deployId} by now.`);
    if (next === annotations[annotation.fence]) return;
    try {
      const metadata = { resourceVersion, annotations: { [annotation.fence]: next } };
      await cluster.patch(kinds.Namespace, { name: namespace }, { metadata });
      return;
    } catch (error) {
      if (!isRefused(error, 'conflict') || attempt === attempts) throw error;
    }
  }
}

/** The annotation after this one has acted, newest work first; null when it came too late. */
export function nextFence(written: string, { workId, fence }: Lease): string | null {
  const acted = written.split(' ').filter(Boolean);
  const mine = acted.findIndex((each) => each.startsWith(`${workId}:`));
  if (mine > 0 || Number(acted[mine]?.split(':')[1] ?? 0) > fence) return null;
  const others = acted.filter((_, index) => index !== mine);
  return [`${workId}:${fence}`, ...others].slice(0, remembered).join(' ');
}
