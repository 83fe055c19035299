import type { ProjectId, Secret } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';
import { secretOwner } from './set-secret.ts';

/** Names and times of a project's secrets, or of the organisation's; never their values. */
export async function listSecrets(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId | null,
  page: Page,
): Promise<Listed<Secret>> {
  const owner = await secretOwner({ store }, caller, projectId, 'read');
  return store.secrets.list(caller.tenantId, owner, page);
}
