import { z } from 'zod';
import { Duration } from './builds.ts';
import { DeployCause, DeployStatus } from './deploys.ts';
import {
  ConfigVersionId,
  DeployId,
  EnvironmentId,
  EnvironmentName,
  ProjectId,
  ReleaseId,
  RevisionId,
  Timestamp,
} from './fields.ts';
import { Release } from './releases.ts';
import { AskedStrategy, Strategy } from './strategies.ts';

/** What is set on an environment itself; null: as the manifest says, and where it says nothing the default. */
export const EnvironmentSettings = z
  .object({
    strategy: Strategy.nullable(),
    approval: z.enum(['required', 'none']).nullable(),
    auto_deploy: z.boolean().nullable().describe('whether triggers may deploy here'),
    protected: z.boolean().nullable().describe('takes tagged releases only, is not deleted, nobody approves their own'),
    drift: z.enum(['report', 'repair']).nullable(),
    auto_rollback: z.boolean().nullable().describe('what turns out unstable after its switch gives way by itself'),
    stabilise: z.string().nullable().describe('how long a new revision is watched after its switch, such as 30s'),
  })
  .meta({ id: 'EnvironmentSettings' });
export type EnvironmentSettings = z.infer<typeof EnvironmentSettings>;

/** Settings with every gap filled from the manifest and the defaults: what counts for the next deploy. */
export const EnvironmentRules = z
  .object({
    strategy: Strategy,
    approval: z.enum(['required', 'none']),
    auto_deploy: z.boolean(),
    protected: z.boolean(),
    drift: z.enum(['report', 'repair']),
    auto_rollback: z.boolean(),
    stabilise: z.string(),
  })
  .meta({ id: 'EnvironmentRules' });
export type EnvironmentRules = z.infer<typeof EnvironmentRules>;

export const EnvironmentLock = z
  .object({ holder: z.string(), reason: z.string(), since: Timestamp })
  .meta({ id: 'EnvironmentLock' });
export type EnvironmentLock = z.infer<typeof EnvironmentLock>;

/** Where releases run. */
export const Environment = z
  .object({
    id: EnvironmentId,
    project_id: ProjectId,
    name: z.string(),
    type: z.enum(['persistent', 'temporary']),
    status: z.enum(['active', 'suspended']),
    suspended_reason: z.string().nullable(),
    settings: EnvironmentSettings,
    lock: EnvironmentLock.nullable().describe('while there is one, nothing is deployed'),
    version: z.string().describe('of type and settings, for If-Match: who edits after somebody else is told'),
    current_revision_id: RevisionId.nullable(),
    last_deploy_id: DeployId.nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'Environment' });
export type Environment = z.infer<typeof Environment>;

export const EnvironmentDetail = Environment.extend({ rules: EnvironmentRules }).meta({ id: 'EnvironmentDetail' });
export type EnvironmentDetail = z.infer<typeof EnvironmentDetail>;

export const CreateEnvironment = z.strictObject({
  name: EnvironmentName.max(20),
  type: z.enum(['persistent', 'temporary']).optional(),
});
export type CreateEnvironment = z.input<typeof CreateEnvironment>;

/** Only what is given changes; null takes a setting back to what the manifest says. */
export const UpdateEnvironment = z.strictObject({
  type: z.enum(['persistent', 'temporary']).optional(),
  settings: z
    .strictObject({
      strategy: AskedStrategy.nullable(),
      approval: z.enum(['required', 'none']).nullable(),
      auto_deploy: z.boolean().nullable(),
      protected: z.boolean().nullable(),
      drift: z.enum(['report', 'repair']).nullable(),
      auto_rollback: z.boolean().nullable(),
      stabilise: z
        .union([z.literal(0), z.literal('0s'), Duration])
        .nullable()
        .describe('at most an hour'),
    })
    .partial()
    .optional(),
  expected_version: z.string().max(64).optional().describe('the version that was read; the same as If-Match'),
});
export type UpdateEnvironment = z.input<typeof UpdateEnvironment>;

export const LockEnvironment = z.strictObject({
  reason: z.string().min(1).max(500).describe('others will read it'),
});
export type LockEnvironment = z.input<typeof LockEnvironment>;

export const UnlockedEnvironment = z
  .object({ environment: Environment, released: EnvironmentLock.nullable().describe('whose it was; null: none') })
  .meta({ id: 'UnlockedEnvironment' });
export type UnlockedEnvironment = z.infer<typeof UnlockedEnvironment>;

/** Release and configuration in one environment, shown as `staging#12`. */
export const Revision = z
  .object({
    id: RevisionId,
    project_id: ProjectId,
    environment_id: EnvironmentId,
    number: z.int(),
    release_id: ReleaseId,
    config_version_id: ConfigVersionId,
    secret_keys: z.array(z.string()),
    restored_from: RevisionId.nullable(),
    created_by: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'Revision' });
export type Revision = z.infer<typeof Revision>;

export const RevisionEntry = z
  .object({
    revision: Revision,
    release: Release,
    current: z.boolean(),
    deploy_id: DeployId.nullable(),
    deploy_status: DeployStatus.nullable().describe('how the deploy that was to make it serve ended'),
    cause: DeployCause.nullable(),
    config_number: z.int().describe('the version of its configuration'),
    restorable: z.boolean().describe('a rollback can bring it back'),
    restorable_code: z.enum([
      'current',
      'restorable',
      'never_healthy',
      'release_blocked',
      'image_gone',
      'beyond_retention',
      'unknown',
    ]),
    not_restorable: z.string().nullable().describe('why it cannot be brought back'),
  })
  .meta({ id: 'RevisionEntry' });
export type RevisionEntry = z.infer<typeof RevisionEntry>;
