import type { Project, ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { findProject } from '../projects/get-project.ts';

/** Which of these names neither the project nor its organisation has set. */
export async function missingSecrets(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  keys: readonly string[],
): Promise<string[]> {
  return missingSecretsOf(store, await findProject({ store }, caller, 'read', projectId), keys);
}

/** As missingSecrets, for a project that is known to be the caller's. */
export async function missingSecretsOf(
  { secrets }: Pick<Records, 'secrets'>,
  { tenantId, id }: Pick<Project, 'tenantId' | 'id'>,
  keys: Iterable<string>,
): Promise<string[]> {
  const missing: string[] = [];
  for (const key of new Set(keys)) {
    const found = (await secrets.find(tenantId, id, key)) ?? (await secrets.find(tenantId, null, key));
    if (!found) missing.push(key);
  }
  return missing;
}
