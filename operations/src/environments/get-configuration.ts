import { type ConfigVersion, type Environment, PlatformError, type ProjectId } from '@eve/domain';
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

/** The configuration that the current revision of an environment runs with: an older one where the newest was only recorded, or failed. */
export async function runningConfiguration(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  name: string,
): Promise<ConfigVersion | null> {
  const { tenantId, currentRevisionId } = await findEnvironment({ store }, caller, 'read', projectId, name);
  if (!currentRevisionId) return null;
  const { configVersionId } = await store.revisions.get(tenantId, currentRevisionId);
  return store.configVersions.get(tenantId, configVersionId);
}

/** One version of a configuration by its number. Throws `revision_not_found`. */
export async function getConfigVersion(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  name: string,
  number: number,
): Promise<ConfigVersion> {
  return findConfigVersion({ store }, await findEnvironment({ store }, caller, 'read', projectId, name), number);
}

/** As getConfigVersion, of an environment that is known to be the caller's. */
export async function findConfigVersion(
  { store }: Pick<Platform, 'store'>,
  { tenantId, id, name }: Environment,
  number: number,
): Promise<ConfigVersion> {
  const version = await store.configVersions.findByNumber(tenantId, id, number);
  if (version) return version;
  const newest = (await store.configVersions.latest(tenantId, id))?.number;
  throw new PlatformError(
    'revision_not_found',
    `${name} has no configuration ${number}${newest === undefined ? '' : `; the newest is ${newest}`}.`,
  );
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
