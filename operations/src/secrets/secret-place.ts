import type { OrganisationId, ProjectId, Scope } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { authorizeOperator, authorizeOrganisation } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { findProject } from '../projects/get-project.ts';

/** Whose secret is meant: a project's; without one the caller's organisation's, or with `system` the whole installation's. */
export interface SecretPlace {
  readonly projectId: ProjectId | null;
  readonly system?: boolean;
}

/** Where a secret stands: (tenant, project), (tenant, null) or (null, null). */
export interface SecretOwner {
  readonly tenantId: OrganisationId | null;
  readonly projectId: ProjectId | null;
}

/** The place as it is recorded: tokens of one project do not reach the organisation, and only operators the installation. */
export async function secretOwner(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  { projectId, system = false }: SecretPlace,
  scope: Scope,
): Promise<SecretOwner> {
  if (system) {
    authorizeOperator(caller, 'sees or changes the secrets of all organisations');
    return { tenantId: null, projectId: null };
  }
  const { tenantId } = caller;
  if (projectId !== null) return { tenantId, projectId: (await findProject({ store }, caller, scope, projectId)).id };
  authorizeOrganisation(caller, scope);
  return { tenantId, projectId: null };
}
