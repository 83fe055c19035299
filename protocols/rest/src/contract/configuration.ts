import { z } from 'zod';
import { Deploy } from './deploys.ts';
import { ConfigVersionId, EnvironmentId, EnvironmentName, Timestamp } from './fields.ts';

export const ConfigValue = z.union([
  z.strictObject({ plain: z.string() }),
  z.strictObject({ secret: z.string().min(1).describe('the key of a secret') }),
]);
export type ConfigValue = z.infer<typeof ConfigValue>;

/** The configuration of an environment at one time. */
export const ConfigVersion = z
  .object({
    id: ConfigVersionId,
    environment_id: EnvironmentId,
    number: z.int(),
    values: z.record(z.string(), z.record(z.string(), ConfigValue)).describe('service, or * for all → name → value'),
    message: z.string().nullable(),
    created_by: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'ConfigVersion' });
export type ConfigVersion = z.infer<typeof ConfigVersion>;

export const NewestConfiguration = ConfigVersion.extend({
  running: z.int().nullable().describe('the version that what runs was deployed with; null: nothing runs'),
}).meta({ id: 'NewestConfiguration' });
export type NewestConfiguration = z.infer<typeof NewestConfiguration>;

/** A value that is another one; secrets by name. */
export const ConfigChange = z
  .object({
    service: z.string().describe('* for every service'),
    name: z.string(),
    change: z.enum(['added', 'changed', 'removed']),
    before: ConfigValue.nullable(),
    after: ConfigValue.nullable(),
  })
  .meta({ id: 'ConfigChange' });
export type ConfigChange = z.infer<typeof ConfigChange>;

const variable = z.string().min(1).max(200).describe('the name of a variable');

export const SetConfiguration = z.strictObject({
  service: z.string().min(1).max(64).optional().describe('* for every service, the default'),
  set: z
    .record(variable, z.union([z.string(), ConfigValue]))
    .optional()
    .describe('a bare string is a plain value'),
  unset: z.array(variable).max(1000).optional(),
  restore: z.int().min(1).optional().describe('bring back all values of this version first'),
  message: z.string().max(500).nullish(),
  deploy: z.boolean().optional().describe('bring the change to the running environment, the default'),
  expected_version: z
    .int()
    .min(0)
    .optional()
    .describe('refuse the change when this is not the newest version (0: there is none); the same as If-Match'),
});
export type SetConfiguration = z.input<typeof SetConfiguration>;

export const SetConfigurationAnswer = z
  .object({
    version: ConfigVersion.nullable().describe('the newest now; null while there is none'),
    changes: z.array(ConfigChange).describe('empty: nothing was to change, so there is no new version and no deploy'),
    deploy: Deploy.nullable(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'SetConfigurationAnswer' });
export type SetConfigurationAnswer = z.infer<typeof SetConfigurationAnswer>;

/** Brings what was only recorded, and other values of secrets, to what runs. */
export const AppliedConfiguration = z
  .object({
    deploy: Deploy.nullable().describe('null: what runs has all of it, or nothing runs'),
    changes: z.int().describe('values that are other ones in the newest configuration'),
    secrets: z.array(z.string()).describe('secrets that have another value since'),
    running: z.boolean(),
  })
  .meta({ id: 'AppliedConfiguration' });
export type AppliedConfiguration = z.infer<typeof AppliedConfiguration>;

const version = z.coerce.number().int().min(0).max(1_000_000_000);

export const ConfigVersionNumber = version.min(1);

export const ConfigDiffQuery = z.object({
  from: version
    .optional()
    .describe('0: nothing set. Default: the version before, or the newest of another environment'),
  to: version.optional().describe('default: the newest'),
  to_environment: EnvironmentName.optional().describe('compare with this environment'),
});
export type ConfigDiffQuery = z.input<typeof ConfigDiffQuery>;

const side = z.object({
  environment: z.string(),
  version: z.int().nullable(),
  message: z.string().nullable(),
  created_by: z.string().nullable(),
  created_at: Timestamp.nullable(),
});

export const ConfigDiff = z.object({ from: side, to: side, changes: z.array(ConfigChange) }).meta({ id: 'ConfigDiff' });
export type ConfigDiff = z.infer<typeof ConfigDiff>;
