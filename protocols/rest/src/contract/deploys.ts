import { z } from 'zod';
import { Waiting } from './build-runs.ts';
import { DeployId, EnvironmentId, PageQuery, ProjectId, RevisionId, Timestamp } from './fields.ts';

export const DeployStatus = z.enum([
  'pending',
  'awaiting_approval',
  'deploying',
  'healthy',
  'failed',
  'cancelled',
  'superseded',
]);

export const DeployFailure = z
  .object({
    code: z.string(),
    message: z.string(),
    service: z.string().nullable(),
    hint: z.string(),
    probes: z.array(z.object({ at: Timestamp, ok: z.boolean(), detail: z.string() })),
    logs: z.array(z.string()).describe('the last 100 lines of the container that failed'),
  })
  .meta({ id: 'DeployFailure' });
export type DeployFailure = z.infer<typeof DeployFailure>;

/** One attempt to make a revision serve in its environment. */
export const Deploy = z
  .object({
    id: DeployId,
    project_id: ProjectId,
    environment_id: EnvironmentId,
    revision_id: RevisionId,
    status: DeployStatus,
    phase: z.enum(['release_command', 'starting', 'probing', 'canary', 'paused', 'switching', 'draining']).nullable(),
    cause: z.enum(['pipeline', 'direct', 'rollback', 'configuration']),
    rolled_back_to: DeployId.nullable(),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    error: DeployFailure.nullable(),
    cancel_requested_at: Timestamp.nullable(),
    waiting: Waiting.nullable(),
    created_by: z.string().nullable(),
    created_at: Timestamp,
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
  })
  .meta({ id: 'Deploy' });
export type Deploy = z.infer<typeof Deploy>;

export const ListDeploys = PageQuery.extend({ status: DeployStatus.optional() });
export type ListDeploys = z.input<typeof ListDeploys>;
