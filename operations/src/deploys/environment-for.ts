import { type Environment, type Manifest, PlatformError, type Project } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { addEnvironment } from '../environments/create-environment.ts';
import type { Platform } from '../platform.ts';

/** The environment by name; one that the manifest names, or any where it has no `environments` section, is made on first use. */
export async function environmentFor(
  { store, newId, now }: Pick<Platform, 'store' | 'newId' | 'now'>,
  caller: Caller,
  project: Project,
  manifest: Manifest,
  name: string,
): Promise<Environment> {
  const found = await store.environments.findByName(project.tenantId, project.id, name);
  if (found) return found;
  const refused = undefinedEnvironment(manifest, name);
  if (refused) throw refused;
  const kind = manifest.environments[name]?.kind;
  try {
    return await store.transaction((records) =>
      addEnvironment(records, { now, newId }, caller, project, { name, kind }),
    );
  } catch (error) {
    const other = await store.environments.findByName(project.tenantId, project.id, name);
    if (other) return other;
    throw error;
  }
}

/** Why an environment that is not there cannot be made by deploying to it; null where it can. */
export function undefinedEnvironment(
  { environments }: Pick<Manifest, 'environments'>,
  name: string,
): PlatformError | null {
  const defined = Object.keys(environments);
  if (defined.length === 0 || defined.includes(name)) return null;
  return new PlatformError(
    'environment_not_found',
    `There is no environment "${name}". The manifest defines: ${defined.join(', ')}.`,
  );
}
