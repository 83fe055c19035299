import { z } from 'zod';
import { Deploy, DeployPhase, DeployStatus } from './deploys.ts';
import { Environment, EnvironmentRules, Revision } from './environments.ts';
import {
  DeployId,
  DriftId,
  EnvironmentId,
  GitSha,
  Pagination,
  PipelineRunId,
  ProjectId,
  ReleaseId,
  RevisionId,
  Timestamp,
} from './fields.ts';
import { Release } from './releases.ts';

const Health = z.enum(['ready', 'deploying', 'degraded', 'unknown']);

/** One way in which what runs is not what is recorded. */
export const DriftDifference = z
  .object({
    kind: z.enum(['missing', 'stopped', 'image', 'configuration', 'unreachable', 'extra']),
    service: z.string(),
    instance: z.string().nullable(),
    expected: z.string(),
    found: z.string(),
  })
  .meta({ id: 'DriftDifference' });
export type DriftDifference = z.infer<typeof DriftDifference>;

/** A time in which an environment was not as its revision says. */
export const Drift = z
  .object({
    id: DriftId,
    project_id: ProjectId,
    environment_id: EnvironmentId,
    revision_id: RevisionId,
    differences: z.array(DriftDifference).describe('as they were seen last'),
    detected_at: Timestamp,
    seen_at: Timestamp,
    cleared_at: Timestamp.nullable().describe('null while it lasts'),
    repair_deploy_id: DeployId.nullable(),
  })
  .meta({ id: 'Drift' });
export type Drift = z.infer<typeof Drift>;

export const EnvironmentDrift = z
  .object({
    env_name: z.string(),
    watched: z.boolean().describe('false where this installation does not look for drift'),
    rule: z.enum(['report', 'repair']),
    current: Drift.nullable(),
    repair: z
      .object({
        tried: z.array(z.object({ deploy_id: DeployId, status: DeployStatus, completed_at: Timestamp.nullable() })),
        next_at: Timestamp.nullable().describe('null while one is under way'),
      })
      .nullable(),
    data: z.array(Drift).describe('newest first, the one that lasts among them'),
    pagination: Pagination,
  })
  .meta({ id: 'EnvironmentDrift' });
export type EnvironmentDrift = z.infer<typeof EnvironmentDrift>;

export const ServiceState = z
  .object({
    name: z.string(),
    state: z.enum(['running', 'degraded', 'starting', 'stopped', 'missing']),
    image: z.string(),
    urls: z.array(z.string()),
    replicas: z.int().describe('how many instances there should be'),
    digest_matches: z.boolean().describe('what runs is what was released'),
    instances: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['running', 'exited', 'restarting']),
        named: z
          .boolean()
          .describe("its service's name resolves to it; false: it is being tried, drains or is kept warm"),
        restarts: z.int(),
        digests: z.array(z.string()),
        ports: z.array(z.object({ container: z.int(), host: z.string(), port: z.int() })),
        started_at: Timestamp.nullable(),
        last_probe: z
          .object({ at: Timestamp, ok: z.boolean(), detail: z.string() })
          .nullable()
          .describe('asked for this answer; null where it has no check or does not run'),
      }),
    ),
  })
  .meta({ id: 'ServiceState' });
export type ServiceState = z.infer<typeof ServiceState>;

/** What holds an environment: the deploy under way. */
export const ActiveDeploy = Deploy.extend({
  holder: z.string().describe('who asked for it'),
  age_seconds: z.int(),
}).meta({ id: 'ActiveDeploy' });
export type ActiveDeploy = z.infer<typeof ActiveDeploy>;

export const EnvironmentStatus = z
  .object({
    project_id: ProjectId,
    env_name: z.string(),
    status: Health,
    ready: z.boolean().describe('what serves runs as released, also while a new revision is tried'),
    unknown_because: z.string().nullable().describe('why nothing is known of what runs'),
    hint: z.string().nullable().describe('what to do, where something is to be done'),
    environment: Environment,
    rules: EnvironmentRules,
    revision: Revision.nullable(),
    release: Release.nullable(),
    last_deploy: Deploy.nullable(),
    active_deploy: ActiveDeploy.nullable(),
    waiting_deploy: Deploy.nullable(),
    drift: Drift.nullable().describe('as it was recorded last'),
    differences: z.array(DriftDifference).describe('between what runs now and the revision'),
    services: z.array(ServiceState),
    checked_at: Timestamp,
  })
  .meta({ id: 'EnvironmentStatus' });
export type EnvironmentStatus = z.infer<typeof EnvironmentStatus>;

/** The short form, for those who ask often. */
export const EnvironmentHealth = z
  .object({
    project_id: ProjectId,
    env_name: z.string(),
    namespace: z.string().nullable().describe('null: it does not run on Kubernetes'),
    status: Health,
    ready: z.boolean(),
    deployment: z
      .object({
        ready: z.boolean(),
        available_replicas: z.int(),
        desired_replicas: z.int(),
        conditions: z.array(z.object({ type: z.string(), status: z.boolean(), message: z.string() })),
      })
      .nullable(),
    warnings: z.array(z.string()),
    checked_at: Timestamp,
    engine_available: z.boolean(),
    k8s_available: z.literal(false),
    active_deploy_id: DeployId.nullable(),
    active_pipeline_run: PipelineRunId.nullable(),
  })
  .meta({ id: 'EnvironmentHealth' });
export type EnvironmentHealth = z.infer<typeof EnvironmentHealth>;

export const EnvironmentDiagnosis = z
  .object({
    env_name: z.string(),
    status: EnvironmentStatus,
    summary: z.string(),
    findings: z.array(z.string()).describe('what is wrong, the weightiest first'),
    suggested_command: z.string().nullable(),
    logs: z.array(z.object({ instance: z.string(), lines: z.array(z.string()) })).describe('of what is not well'),
    events: z
      .array(z.object({ at: Timestamp, subject_id: z.string(), event: z.string(), to: z.string(), actor: z.string() }))
      .describe('newest first'),
    last_failed_deploy: Deploy.nullable(),
    active_pipeline_run_id: PipelineRunId.nullable(),
  })
  .meta({ id: 'EnvironmentDiagnosis' });
export type EnvironmentDiagnosis = z.infer<typeof EnvironmentDiagnosis>;

export const EnvironmentRecovery = z
  .object({
    active_pipeline_run_id: PipelineRunId.nullable(),
    current_release_id: ReleaseId.nullable(),
    last_failed_deploy_id: DeployId.nullable(),
    diagnose: EnvironmentDiagnosis,
    suggested_command: z.string().nullable(),
    summary: z.string(),
  })
  .meta({ id: 'EnvironmentRecovery' });
export type EnvironmentRecovery = z.infer<typeof EnvironmentRecovery>;

const BoardRelease = z.object({
  id: ReleaseId,
  tag: z.string().nullable(),
  version: z.string().nullable(),
  git_sha: GitSha.nullable(),
  created_at: Timestamp,
});
const BoardDeploy = z.object({
  id: DeployId,
  status: DeployStatus,
  phase: DeployPhase.nullable(),
  cause: z.string(),
  holder: z.string().nullable().describe('who asked for it'),
  since: Timestamp.describe('since when it is under way, or waits'),
  canary_weight: z.int().nullable().describe('percent of the traffic that its revision gets'),
});

/** One environment of the board. */
export const BoardEntry = z
  .object({
    project_id: ProjectId,
    project: z.string().describe('its slug'),
    env_name: z.string(),
    environment: Environment,
    health: Health,
    revision_number: z.int().nullable(),
    release: BoardRelease.nullable(),
    since: Timestamp.nullable().describe('since when the revision serves'),
    by: z.string().nullable(),
    active_deploy: BoardDeploy.nullable(),
    waiting_deploy: BoardDeploy.nullable(),
    drift: Drift.nullable(),
    newest_release: BoardRelease.nullable().describe('not yet here'),
    releases_behind: z.int().describe('at most 100 are counted'),
  })
  .meta({ id: 'BoardEntry' });
export type BoardEntry = z.infer<typeof BoardEntry>;

export const Board = z
  .object({
    engine_available: z.boolean(),
    drift_watched: z.boolean().describe('false: health is what the last deploy left'),
    checked_at: Timestamp,
    data: z.array(BoardEntry),
    pagination: Pagination,
  })
  .meta({ id: 'Board' });
export type Board = z.infer<typeof Board>;
