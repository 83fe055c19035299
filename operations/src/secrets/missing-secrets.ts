import { PlatformError, type Project, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { findProject } from '../projects/get-project.ts';

/** How a secret is set without its value standing in the arguments of a command. */
export function howToSetSecret(key: string): string {
  return `\`eve secrets set ${key} -\``;
}

/** The refusal of what cannot go on without these secrets: all are named. */
export function secretsMissing(keys: readonly string[]): PlatformError {
  const how =
    keys.length === 1 ? `Set it with ${howToSetSecret(keys[0] ?? 'NAME')}` : `Set each with ${howToSetSecret('NAME')}`;
  return new PlatformError('secret_missing', `Not set: ${keys.join(', ')}. ${how}; it reads the value from stdin.`, {
    details: keys.map((key) => ({
      path: `secrets.${key}`,
      message: `Secret ${key} is used by the manifest or the configuration and is not set.`,
    })),
  });
}

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
