import { z } from 'zod';
import { ErrorDetail, GitSha, ManifestHash, ManifestId, ProjectId, SecretId, Timestamp } from './fields.ts';

const yaml = z.string().min(1).max(1_000_000);

export const SecretValidation = z.object({
  missing: z.array(z.object({ key: z.string(), hints: z.array(z.string()) })),
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

/** Never the value. */
export const Secret = z
  .object({
    id: SecretId,
    scope_type: z.enum(['project', 'org']),
    scope_id: z.string(),
    key: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'Secret' });
export type Secret = z.infer<typeof Secret>;

export const ShownSecret = Secret.extend({ masked_value: z.string() }).meta({ id: 'ShownSecret' });
export type ShownSecret = z.infer<typeof ShownSecret>;

export const SecretKey = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a name as of an environment variable, at most 128 characters');

export const SetSecret = z.strictObject({
  key: SecretKey,
  value: z.string().max(65_536),
  type: z.enum(['env_var', 'file', 'github_token', 'ssh_key']).optional().describe('accepted, not used'),
});
export type SetSecret = z.input<typeof SetSecret>;

export const ChangeSecret = SetSecret.omit({ key: true });

export const ValidateSecrets = z.strictObject({
  keys: z.array(SecretKey).max(500).optional(),
  manifest_yaml: yaml.optional(),
});
export type ValidateSecrets = z.input<typeof ValidateSecrets>;
