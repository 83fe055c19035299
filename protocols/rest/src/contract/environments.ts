import { z } from 'zod';
import { Deploy, DeployStatus } from './deploys.ts';
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

/** Where releases run. */
export const Environment = z
  .object({
    id: EnvironmentId,
    project_id: ProjectId,
    name: z.string(),
    type: z.enum(['persistent', 'temporary']),
    status: z.enum(['active', 'suspended']),
    current_revision_id: RevisionId.nullable(),
    last_deploy_id: DeployId.nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'Environment' });
export type Environment = z.infer<typeof Environment>;

export const CreateEnvironment = z.strictObject({
  name: EnvironmentName.max(20),
  type: z.enum(['persistent', 'temporary']).optional(),
});
export type CreateEnvironment = z.input<typeof CreateEnvironment>;

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
  })
  .meta({ id: 'RevisionEntry' });
export type RevisionEntry = z.infer<typeof RevisionEntry>;

export const ServiceState = z
  .object({
    name: z.string(),
    state: z.enum(['running', 'starting', 'stopped', 'missing']),
    image: z.string(),
    urls: z.array(z.string()),
    replicas: z.int().describe('how many instances there should be'),
    digest_matches: z.boolean().describe('what runs is what was released'),
    instances: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['running', 'exited', 'restarting']),
        restarts: z.int(),
        digests: z.array(z.string()),
        ports: z.array(z.object({ container: z.int(), host: z.string(), port: z.int() })),
        started_at: Timestamp.nullable(),
      }),
    ),
  })
  .meta({ id: 'ServiceState' });
export type ServiceState = z.infer<typeof ServiceState>;

export const EnvironmentStatus = z
  .object({
    project_id: ProjectId,
    env_name: z.string(),
    status: z.enum(['ready', 'deploying', 'degraded', 'unknown']),
    ready: z.boolean().describe('what serves runs as released, also while a new revision is tried'),
    environment: Environment,
    revision: Revision.nullable(),
    release: Release.nullable(),
    last_deploy: Deploy.nullable(),
    services: z.array(ServiceState),
    checked_at: Timestamp,
  })
  .meta({ id: 'EnvironmentStatus' });
export type EnvironmentStatus = z.infer<typeof EnvironmentStatus>;

export const ConfigValue = z.union([
  z.strictObject({ plain: z.string() }),
  z.strictObject({ secret: z.string().min(1).describe('the key of a secret') }),
]);

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

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a name of an environment variable');

export const SetConfiguration = z.strictObject({
  service: z.string().min(1).max(64).optional().describe('* for every service, the default'),
  set: z
    .record(variable, z.union([z.string(), ConfigValue]))
    .optional()
    .describe('a bare string is a plain value'),
  unset: z.array(variable).optional(),
  message: z.string().max(500).nullish(),
  deploy: z.boolean().optional().describe('bring the change to the running environment, the default'),
});
export type SetConfiguration = z.input<typeof SetConfiguration>;

export const SetConfigurationAnswer = z
  .object({ version: ConfigVersion, deploy: Deploy.nullable() })
  .meta({ id: 'SetConfigurationAnswer' });
export type SetConfigurationAnswer = z.infer<typeof SetConfigurationAnswer>;

export const EnvironmentLogQuery = z.object({
  service: z.string().min(1).max(64),
  tail: z.coerce.number().int().min(1).max(10_000).default(100),
});
export type EnvironmentLogQuery = z.input<typeof EnvironmentLogQuery>;

export const EnvironmentLogs = z
  .object({ logs: z.array(z.object({ instance: z.string(), line: z.string() })) })
  .meta({ id: 'EnvironmentLogs' });
export type EnvironmentLogs = z.infer<typeof EnvironmentLogs>;
