import type { ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { ManifestSync } from '../ports/stored.ts';
import { findProject } from '../projects/get-project.ts';

/** The manifest that was synced last, or last for a commit; null when there is none. */
export async function latestManifest(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  gitSha?: string,
): Promise<ManifestSync | null> {
  const project = await findProject({ store }, caller, 'read', projectId);
  return store.manifests.latest(caller.tenantId, project.id, undefined, gitSha);
}
