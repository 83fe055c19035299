import { z } from 'zod';
import { Waiting } from './build-runs.ts';
import { Since } from './builds.ts';
import { DeployId, EnvironmentId, OneLine, PageQuery, ProjectId, RevisionId, Timestamp } from './fields.ts';
import { Release } from './releases.ts';
import { Strategy } from './strategies.ts';

export const DeployStatus = z.enum([
  'pending',
  'awaiting_approval',
  'deploying',
  'healthy',
  'failed',
  'cancelled',
  'superseded',
]);

export const DeployPhase = z.enum([
  'release_command',
  'starting',
  'probing',
  'canary',
  'paused',
  'switching',
  'stabilising',
  'draining',
]);

export const DeployCause = z.enum(['pipeline', 'direct', 'rollback', 'configuration', 'repair']);

const Probe = z.object({ at: Timestamp, ok: z.boolean(), detail: z.string() });

export const DeployFailure = z
  .object({
    code: z.string(),
    message: z.string(),
    service: z.string().nullable(),
    hint: z.string(),
    probes: z.array(Probe),
    logs: z.array(z.string()).describe('the last 100 lines of the container that failed'),
    instances: z
      .array(
        z.object({
          instance: z.string(),
          service: z.string(),
          state: z.enum(['running', 'exited', 'restarting']),
          restarts: z.int(),
          probes: z.array(Probe).describe('every answer of its check, oldest first'),
          logs: z.array(z.string()).describe('its last 100 lines'),
        }),
      )
      .describe('every instance that the deploy had started'),
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
    phase: DeployPhase.nullable().describe('draining: it has failed, and what served before is being given back'),
    cause: DeployCause,
    rolled_back_to: DeployId.nullable(),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    error: DeployFailure.nullable().describe('why it failed, also while it is still `deploying` and gives back'),
    strategy: Strategy,
    warnings: z.array(z.string()),
    canary: z
      .object({
        step: z.int().describe('index into the steps of the strategy'),
        weight: z.int().describe('percent of the traffic that the new revision gets'),
        since: Timestamp,
        paused: z.boolean().describe('waits for somebody'),
      })
      .nullable(),
    canary_request: z.enum(['promote', 'promote_all', 'pause']).nullable().describe('asked for and not yet taken up'),
    release_commands: z.array(
      z.object({
        service: z.string(),
        command: z.array(z.string()),
        started_at: Timestamp,
        completed_at: Timestamp.nullable(),
        exit_code: z.int().nullable(),
      }),
    ),
    approved_by: z.string().nullable(),
    approved_at: Timestamp.nullable(),
    cancel_requested_at: Timestamp.nullable(),
    cancel_reason: z.string().nullable(),
    waiting: Waiting.nullable(),
    waits_for: z
      .object({
        deploy_id: DeployId,
        status: DeployStatus,
        phase: DeployPhase.nullable(),
        created_by: z.string().nullable(),
        started_at: Timestamp.nullable(),
      })
      .nullable()
      .describe('the deploy of the same environment that has to end first'),
    created_by: z.string().nullable(),
    created_at: Timestamp,
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
  })
  .meta({ id: 'Deploy' });
export type Deploy = z.infer<typeof Deploy>;

/** A deploy with what it brings where. */
export const DeployDetail = Deploy.extend({
  env_name: z.string(),
  revision_number: z.int(),
  release: Release,
}).meta({ id: 'DeployDetail' });
export type DeployDetail = z.infer<typeof DeployDetail>;

/** An instance that a deploy started. */
export const DeployInstance = z
  .object({
    service: z.string(),
    name: z.string(),
    state: z.enum(['running', 'exited', 'restarting']),
    named: z.boolean().describe('its service resolves to it'),
    restarts: z.int(),
    digests: z.array(z.string()),
    ports: z.array(z.object({ container: z.int(), host: z.string(), port: z.int() })),
    started_at: Timestamp.nullable(),
  })
  .meta({ id: 'DeployInstance' });
export type DeployInstance = z.infer<typeof DeployInstance>;

export const ListDeploys = PageQuery.extend({ status: DeployStatus.optional() });
export type ListDeploys = z.input<typeof ListDeploys>;

export const ListProjectDeploys = PageQuery.extend({
  environment: z.string().min(1).max(64).optional(),
  status: DeployStatus.optional(),
  cause: DeployCause.optional(),
  created_by: z.string().min(1).max(200).optional(),
  release: z.string().min(1).max(128).optional().describe('a tag or id'),
  since: Since.optional(),
});
export type ListProjectDeploys = z.input<typeof ListProjectDeploys>;

export const CancelDeploy = z.strictObject({ reason: OneLine.nullish() });
export type CancelDeploy = z.input<typeof CancelDeploy>;

export const PromoteDeploy = z.strictObject({
  full: z.boolean().nullish().describe('all of the traffic at once instead of the next step'),
});
export type PromoteDeploy = z.input<typeof PromoteDeploy>;
