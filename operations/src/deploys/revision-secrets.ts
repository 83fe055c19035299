import {
  type ConfigVersion,
  configurationOf,
  deployableServices,
  type Manifest,
  type Project,
  secretNamesIn,
} from '@eve/domain';
import type { Platform } from '../platform.ts';
import { missingSecretsOf, secretsMissing } from '../secrets/missing-secrets.ts';

/** Names of all secrets that a revision's services refer to, in the manifest or in the configuration. */
export function secretsOfRevision(
  manifest: Manifest,
  environment: string,
  config: Pick<ConfigVersion, 'values'> | null,
): Set<string> {
  const names = new Set<string>();
  for (const service of deployableServices(manifest)) {
    const overrides = manifest.environments[environment]?.environment[service.name] ?? {};
    for (const name of secretNamesIn([...Object.values(service.environment), ...Object.values(overrides)]))
      names.add(name);
    for (const value of Object.values(config ? configurationOf(config, service.name) : {})) {
      for (const name of 'secret' in value ? [value.secret] : secretNamesIn([value.plain])) names.add(name);
    }
  }
  return names;
}

/**
 * Refuses what would end in a deploy that cannot be made, before anything is built for it: throws `secret_missing` naming every
 * secret that the services of these environments use and that is not set.
 */
export async function refuseUnsetSecrets(
  { store }: Pick<Platform, 'store'>,
  project: Pick<Project, 'id' | 'tenantId'>,
  manifest: Manifest,
  environments: Iterable<string>,
): Promise<void> {
  const names = new Set<string>();
  for (const name of new Set(environments)) {
    const environment = await store.environments.findByName(project.tenantId, project.id, name);
    const config = environment ? await store.configVersions.latest(project.tenantId, environment.id) : null;
    for (const key of secretsOfRevision(manifest, name, config)) names.add(key);
  }
  const missing = await missingSecretsOf(store, project, names);
  if (missing.length > 0) throw secretsMissing(missing);
}
