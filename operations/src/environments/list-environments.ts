import type { Environment, ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';
import { findProject } from '../projects/get-project.ts';

/** A project's environments, newest first. */
export async function listEnvironments(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  page: Page,
): Promise<Listed<Environment>> {
  const project = await findProject({ store }, caller, 'read', projectId);
  return store.environments.list(caller.tenantId, project.id, page);
}
