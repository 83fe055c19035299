import { z } from 'zod';
import { Flag, SecretId, Timestamp } from './fields.ts';

/** Never the value. */
export const Secret = z
  .object({
    id: SecretId,
    scope_type: z.enum(['project', 'org', 'system']).describe('the narrowest scope that has a name wins'),
    scope_id: z.string().nullable().describe('null: of the whole installation'),
    key: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
    wins: z.boolean().optional().describe('in a list with what is inherited: whether the project gets this one'),
  })
  .meta({ id: 'Secret' });
export type Secret = z.infer<typeof Secret>;

/** Environments whose current revision was made with a value of a secret. */
const usedBy = z.array(
  z.object({
    project: z.string(),
    environment: z.string(),
    current: z.boolean().describe('false: it runs with an older value until its next deploy'),
  }),
);

export const SecretWithUses = Secret.extend({ used_by: usedBy }).meta({ id: 'SecretWithUses' });
export type SecretWithUses = z.infer<typeof SecretWithUses>;

export const ShownSecret = SecretWithUses.extend({ masked_value: z.string() }).meta({ id: 'ShownSecret' });
export type ShownSecret = z.infer<typeof ShownSecret>;

export const InheritedQuery = z.object({
  inherited: Flag.describe('also what the organisation and, for an operator, the installation have set'),
});

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
  manifest_yaml: z.string().min(1).max(1_000_000).optional(),
});
export type ValidateSecrets = z.input<typeof ValidateSecrets>;

const MasterKey = z.object({
  id: z.string().describe('tells the key from others, and nothing of it'),
  version: z.int(),
});

/** How far the change of the master key has come: asked again until it is done. */
export const KeyRotation = z
  .object({
    key: MasterKey.describe('seals from now on'),
    started: z.boolean().describe('false: this went on with one that had begun'),
    resealed: z.int().describe('values sealed anew by this call'),
    remaining: z.int().describe('values sealed with former keys still'),
    unreadable: z.array(z.string()).describe('secret versions that cannot be opened; they keep a former key'),
    forgotten: z.array(MasterKey),
    done: z.boolean(),
  })
  .meta({ id: 'KeyRotation' });
export type KeyRotation = z.infer<typeof KeyRotation>;
