import { maskSecret, PlatformError, type ProjectId, type Secret } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { howToSetSecret } from './missing-secrets.ts';
import { secretOwner } from './set-secret.ts';

/** A secret with its value masked; for those who may set it, because of a short value the mask shows much. */
export async function showSecret(
  { store, vault }: Pick<Platform, 'store' | 'vault'>,
  caller: Caller,
  { projectId, key }: { projectId: ProjectId | null; key: string },
): Promise<{ secret: Secret; masked: string }> {
  const owner = await secretOwner({ store }, caller, projectId, 'configure');
  const found = await store.secrets.find(caller.tenantId, owner, key);
  if (!found) {
    throw new PlatformError('secret_not_found', `There is no secret ${key}. Set it with ${howToSetSecret(key)}.`);
  }
  return { secret: found.secret, masked: maskSecret(await vault.open(found.version.sealed)) };
}
