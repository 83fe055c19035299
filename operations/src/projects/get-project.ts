import { isId, PlatformError, type Project, type Scope } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';

/** A project by id or slug. One of another organisation, or beyond the token, is not there. */
export function getProject({ store }: Pick<Platform, 'store'>, caller: Caller, idOrSlug: string): Promise<Project> {
  return findProject({ store }, caller, 'read', idOrSlug);
}

/** The caller's project for an act that needs a scope: what every operation of a project begins with. */
export async function findProject(
  { store }: { store: Pick<Records, 'projects'> },
  caller: Caller,
  scope: Scope,
  idOrSlug: string,
): Promise<Project> {
  const project = isId('proj', idOrSlug)
    ? await store.projects.get(caller.tenantId, idOrSlug)
    : await store.projects.findBySlug(caller.tenantId, idOrSlug);
  if (!project || (caller.projectId !== null && caller.projectId !== project.id)) {
    throw new PlatformError('project_not_found', `There is no project ${idOrSlug}.`);
  }
  authorize(caller, scope, project.id);
  return project;
}
