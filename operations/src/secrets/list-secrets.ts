import { PlatformError, type ProjectId, type Secret, secretScope } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { SecretUse, UsableSecret } from '../ports/secret-records.ts';
import type { Listed, Page } from '../ports/stored.ts';
import { type SecretPlace, secretOwner } from './secret-place.ts';

/** Names and times of the secrets of one place; never their values. */
export async function listSecrets(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  place: SecretPlace,
  page: Page,
): Promise<Listed<Secret>> {
  const { tenantId, projectId } = await secretOwner({ store }, caller, place, 'read');
  return store.secrets.list(tenantId, projectId, page);
}

/**
 * The secrets of all scopes that a project can use, and which of a name comes before the others. Those of the whole installation
 * are shown to its operator only.
 */
export async function listUsableSecrets(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  page: Page,
): Promise<Listed<UsableSecret>> {
  const owner = await secretOwner({ store }, caller, { projectId }, 'read');
  if (caller.projectId !== null) {
    throw new PlatformError(
      'caller_forbidden',
      'This token is limited to one project and sees only what belongs to it: leave out what is inherited.',
    );
  }
  return store.secrets.listUsable(caller.tenantId, owner.projectId ?? projectId, { ...page, system: caller.operator });
}

/** Environments of the caller's organisation that run with a value of this secret. */
export async function secretUses(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  secret: Secret,
): Promise<readonly SecretUse[]> {
  const uses = await store.secrets.usedBy(caller.tenantId, secret.id);
  return secretScope(secret) === 'project' || caller.projectId === null ? uses : [];
}
