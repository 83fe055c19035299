import { z } from 'zod';
import { ErrorDetail, GitSha, ManifestHash, ManifestId, ProjectId, Timestamp } from './fields.ts';

const yaml = z.string().min(1).max(1_000_000);

export const SecretValidation = z.object({
  missing: z.array(
    z.object({
      key: z.string(),
      hints: z.array(z.string()),
      suggestion: z.string().optional().describe('a secret that is set and was probably meant'),
    }),
  ),
});
export type SecretValidation = z.infer<typeof SecretValidation>;

/** A manifest as synced for a commit. */
export const Manifest = z
  .object({
    id: ManifestId,
    project_id: ProjectId,
    manifest_hash: ManifestHash,
    git_sha: GitSha.nullable(),
    branch: z.string().nullable(),
    services: z.array(z.string()),
    environments: z.array(z.string()),
    pipelines: z.array(z.string()),
    yaml: z.string(),
    created_at: Timestamp,
    synced_at: Timestamp,
  })
  .meta({ id: 'Manifest' });
export type Manifest = z.infer<typeof Manifest>;

export const LatestManifest = z.strictObject({
  git_sha: GitSha.optional().describe('the one that was synced last for this commit'),
});
export type LatestManifest = z.input<typeof LatestManifest>;

export const SyncManifest = z.strictObject({
  yaml,
  git_sha: GitSha.nullish(),
  branch: z.string().min(1).max(250).nullish(),
  validate_secrets: z.boolean().optional(),
  strict: z.boolean().optional(),
});
export type SyncManifest = z.input<typeof SyncManifest>;

export const SyncedManifest = Manifest.omit({ yaml: true })
  .extend({ warnings: z.array(ErrorDetail), secret_validation: SecretValidation })
  .meta({ id: 'SyncedManifest' });
export type SyncedManifest = z.infer<typeof SyncedManifest>;

export const ValidateManifest = z.strictObject({
  manifest_yaml: yaml.nullish().describe('the latest synced one when left out'),
  validate_secrets: z.boolean().optional(),
  strict: z.boolean().optional(),
});
export type ValidateManifest = z.input<typeof ValidateManifest>;

export const ManifestValidation = z
  .object({
    valid: z.boolean(),
    manifest_hash: z.string().nullable(),
    errors: z.array(ErrorDetail),
    warnings: z.array(ErrorDetail),
    secret_validation: SecretValidation,
  })
  .meta({ id: 'ManifestValidation' });
export type ManifestValidation = z.infer<typeof ManifestValidation>;
