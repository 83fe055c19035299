import type { ConfigVersion, ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';
import { findEnvironment } from './get-environment.ts';

/** The newest configuration of an environment; null while it has none. Secrets stand in it by name. */
export async function getConfiguration(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  name: string,
): Promise<ConfigVersion | null> {
  const environment = await findEnvironment({ store }, caller, 'read', projectId, name);
  return store.configVersions.latest(caller.tenantId, environment.id);
}

/** Every configuration an environment has had, newest first. */
export async function listConfigurations(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  name: string,
  page: Page,
): Promise<Listed<ConfigVersion>> {
  const environment = await findEnvironment({ store }, caller, 'read', projectId, name);
  return store.configVersions.list(caller.tenantId, environment.id, page);
}
