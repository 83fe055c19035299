import { PlatformError, type Project, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { nearestOf } from '../manifests/nearest.ts';
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

/** Which of these names are set in no scope of the project. */
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
  const wanted = [...new Set(keys)];
  const found = new Set((await secrets.winning(tenantId, id, wanted)).map(({ secret }) => secret.key));
  return wanted.filter((key) => !found.has(key));
}

/** A secret that is not set, and the one that is set and was probably meant. */
export interface MissingSecret {
  readonly key: string;
  readonly suggestion: string | null;
}

/** Looks for names that were probably meant, among those that the caller may see. */
export async function suggestSecrets(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  missing: readonly string[],
): Promise<readonly MissingSecret[]> {
  const project = await findProject({ store }, caller, 'read', projectId);
  const page = { limit: missing.length === 0 ? 1 : 200 };
  const { items } =
    caller.projectId === null
      ? await store.secrets.listUsable(caller.tenantId, project.id, { ...page, system: caller.operator })
      : await store.secrets.list(caller.tenantId, project.id, page);
  const known = [...new Set(items.map(({ key }) => key))];
  return missing.map((key) => ({ key, suggestion: nearestOf(key, known) }));
}
