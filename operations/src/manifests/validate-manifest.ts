import { PlatformError, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { findProject } from '../projects/get-project.ts';
import { missingSecretsOf } from '../secrets/missing-secrets.ts';
import { checkManifest, type ManifestCheck } from './check-manifest.ts';
import { runtimeFindings } from './runtime-features.ts';

export interface ManifestValidation extends Omit<ManifestCheck, 'secretNames' | 'features' | 'manifest'> {
  readonly missingSecrets: readonly string[];
}

/** Says what is wrong with a manifest (the one synced last, unless a text is given) and keeps nothing. */
export async function validateManifest(
  platform: Pick<Platform, 'store' | 'settings' | 'deployer'>,
  caller: Caller,
  projectId: ProjectId,
  { yaml, validateSecrets = false, strict = false }: { yaml?: string; validateSecrets?: boolean; strict?: boolean },
): Promise<ManifestValidation> {
  const { store } = platform;
  const project = await findProject({ store }, caller, 'read', projectId);
  const text = yaml ?? (await store.manifests.latest(caller.tenantId, project.id))?.manifest.yaml;
  if (text === undefined) {
    throw new PlatformError(
      'manifest_not_found',
      `Project ${project.slug} has no manifest yet; sync one, or give its text.`,
    );
  }
  const { valid, secretNames, features, manifest, ...found } = checkManifest(text);
  const missingSecrets = validateSecrets || strict ? await missingSecretsOf(store, project, secretNames) : [];
  const warnings = [...found.warnings, ...(manifest ? runtimeFindings(platform, manifest, features) : [])];
  return { ...found, warnings, valid: valid && !(strict && missingSecrets.length > 0), missingSecrets };
}
