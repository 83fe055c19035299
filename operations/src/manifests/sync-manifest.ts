import { type ErrorDetail, isGitSha, type Manifest, PlatformError, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import type { ManifestRecord } from '../ports/stored.ts';
import { findProject } from '../projects/get-project.ts';
import { checkedBranch } from '../projects/repository.ts';
import { missingSecretsOf, secretsMissing } from '../secrets/missing-secrets.ts';
import { readManifest } from './parse-manifest.ts';
import { runtimeFindings } from './runtime-features.ts';

export interface ManifestSyncRequest {
  readonly yaml: string;
  readonly gitSha?: string | null;
  readonly branch?: string | null;
  readonly validateSecrets?: boolean;
  /** Refuses a manifest whose secrets are not all set. */
  readonly strict?: boolean;
}

export interface SyncedManifest {
  readonly record: ManifestRecord;
  readonly gitSha: string | null;
  readonly branch: string | null;
  readonly manifest: Manifest;
  readonly warnings: readonly ErrorDetail[];
  readonly missingSecrets: readonly string[];
}

/** Keeps a manifest's exact text for a commit; the same text may belong to many commits. Throws `manifest_invalid` with every line. */
export async function syncManifest(
  platform: Pick<Platform, 'store' | 'now' | 'newId' | 'settings' | 'deployer'>,
  caller: Caller,
  projectId: ProjectId,
  { yaml, gitSha = null, branch = null, validateSecrets = false, strict = false }: ManifestSyncRequest,
): Promise<SyncedManifest> {
  const { store, now, newId } = platform;
  const project = await findProject({ store }, caller, 'build', projectId);
  if (gitSha !== null && !isGitSha(gitSha)) {
    throw invalidField('git_sha', 'Give the whole commit id: 40 lower-case hex digits.');
  }
  if (branch !== null) checkedBranch(branch);
  const { manifest, errors, warnings: found, hash, secretNames, features } = readManifest(yaml);
  if (!manifest) throw manifestInvalid(errors);
  const warnings = [...found, ...runtimeFindings(platform, manifest, features)];
  const missingSecrets = validateSecrets || strict ? await missingSecretsOf(store, project, secretNames) : [];
  if (strict && missingSecrets.length > 0) throw secretsMissing(missingSecrets);

  const at = now();
  const { tenantId, id } = project;
  const record = await store.transaction(async (records) => {
    const wanted = { id: newId('mnfst'), tenantId, projectId: id, hash, yaml, createdAt: at };
    const stored = await records.manifests.sync(wanted, gitSha, branch, at);
    await recordAct(records, caller, {
      subjectKind: 'manifest',
      subjectId: stored.id,
      from: stored.id === wanted.id ? null : 'synced',
      to: 'synced',
      event: 'sync',
      at,
    });
    return stored;
  });
  return { record, gitSha, branch, manifest, warnings, missingSecrets };
}

/** The error for a manifest with errors: the first in its sentence, all in its details. */
export function manifestInvalid(details: readonly ErrorDetail[]): PlatformError {
  const [first] = details;
  const where = first?.line ? `Line ${first.line}, column ${first.column}: ` : '';
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  return new PlatformError('manifest_invalid', `The manifest cannot be used. ${where}${first?.message ?? ''}${more}`, {
    details,
  });
}
