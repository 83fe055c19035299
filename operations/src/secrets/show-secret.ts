import { maskSecret, PlatformError, type Secret, secretScope } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { StoredSecret } from '../ports/secret-records.ts';
import { howToSetSecret } from './missing-secrets.ts';
import { type SecretPlace, secretOwner } from './secret-place.ts';

/**
 * A secret with its value masked; for those who may set it, because of a short value the mask shows much. With `inherited` the one
 * that counts for the project, wherever it stands, as far as the caller may see it.
 */
export async function showSecret(
  { store, vault }: Pick<Platform, 'store' | 'vault'>,
  caller: Caller,
  { key, inherited = false, ...place }: SecretPlace & { key: string; inherited?: boolean },
): Promise<{ secret: Secret; masked: string }> {
  const { tenantId, projectId } = await secretOwner({ store }, caller, place, 'configure');
  let found: StoredSecret | null = null;
  if (inherited && projectId !== null) {
    const [winning] = await store.secrets.winning(caller.tenantId, projectId, [key]);
    found = winning && maySee(caller, winning.secret) ? winning : null;
  } else found = await store.secrets.find(tenantId, projectId, key);
  if (!found) {
    throw new PlatformError('secret_not_found', `There is no secret ${key}. Set it with ${howToSetSecret(key)}.`);
  }
  return { secret: found.secret, masked: maskSecret(await vault.open(found.version.sealed)) };
}

function maySee(caller: Caller, secret: Secret): boolean {
  const scope = secretScope(secret);
  if (scope === 'project') return true;
  return scope === 'system' ? caller.operator : caller.projectId === null;
}
