import { type Environment, PlatformError, type ProjectId, type Scope } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { findProject } from '../projects/get-project.ts';

/** An environment of a project by its name. Throws `environment_not_found`. */
export function getEnvironment(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  name: string,
): Promise<Environment> {
  return findEnvironment({ store }, caller, 'read', projectId, name);
}

/** The caller's environment for an act that needs a scope. */
export async function findEnvironment(
  { store }: { store: Pick<Records, 'projects' | 'environments'> },
  caller: Caller,
  scope: Scope,
  projectId: ProjectId,
  name: string,
): Promise<Environment> {
  const project = await findProject({ store }, caller, scope, projectId);
  const environment = await store.environments.findByName(caller.tenantId, project.id, name);
  if (environment) return environment;
  const { items } = await store.environments.list(caller.tenantId, project.id, { limit: 20 });
  const names = items.map((other) => other.name).sort();
  throw new PlatformError(
    'environment_not_found',
    `Project ${project.slug} has no environment "${name}"${names.length > 0 ? `; it has ${names.join(', ')}` : ''}.`,
  );
}
