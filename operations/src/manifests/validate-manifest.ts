import { type ErrorDetail, PlatformError, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { findProject } from '../projects/get-project.ts';
import { missingSecretsOf } from '../secrets/missing-secrets.ts';
import { readManifest } from './parse-manifest.ts';

export interface ManifestValidation {
  readonly valid: boolean;
  readonly hash: string;
  readonly errors: readonly ErrorDetail[];
  readonly warnings: readonly ErrorDetail[];
  readonly missingSecrets: readonly string[];
}

/** Says what is wrong with a manifest (the one synced last, unless a text is given) and keeps nothing. */
export async function validateManifest(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  { yaml, validateSecrets = false, strict = false }: { yaml?: string; validateSecrets?: boolean; strict?: boolean },
): Promise<ManifestValidation> {
  const project = await findProject({ store }, caller, 'read', projectId);
  const text = yaml ?? (await store.manifests.latest(caller.tenantId, project.id))?.manifest.yaml;
  if (text === undefined) {
    throw new PlatformError(
      'manifest_not_found',
      `Project ${project.slug} has no manifest yet; sync one, or give its text.`,
    );
  }
  const { errors, warnings, incoherences, hash, secretNames } = readManifest(text);
  const missingSecrets = validateSecrets || strict ? await missingSecretsOf(store, project, secretNames) : [];
  const allErrors = [...errors, ...incoherences];
  return {
    valid: allErrors.length === 0 && !(strict && missingSecrets.length > 0),
    hash,
    errors: allErrors,
    warnings: warnings.filter((warning) => !incoherences.includes(warning)),
    missingSecrets,
  };
}
