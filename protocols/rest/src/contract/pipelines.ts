import { z } from 'zod';
import {
  EnvironmentName,
  GitSha,
  ManifestHash,
  PageQuery,
  PipelineRunId,
  ProjectId,
  StepId,
  Timestamp,
} from './fields.ts';

const action = z.enum(['build', 'release', 'deploy']);
const values = z.record(z.string(), z.unknown());

export const Pipeline = z
  .object({
    project_id: ProjectId,
    name: z.string(),
    definition: z.object({
      steps: z.array(
        z.object({
          name: z.string(),
          depends_on: z.array(z.string()),
          action: z.object({ type: action, env_name: z.string().nullable(), inputs: values }),
        }),
      ),
    }),
  })
  .meta({ id: 'Pipeline' });
export type Pipeline = z.infer<typeof Pipeline>;

export const PipelineRunStatus = z.enum([
  'pending',
  'running',
  'awaiting_approval',
  'succeeded',
  'failed',
  'cancelled',
]);

export const PipelineRun = z
  .object({
    id: PipelineRunId,
    project_id: ProjectId,
    pipeline_name: z.string(),
    env_name: z.string().nullable(),
    git_sha: z.string().nullable(),
    manifest_hash: z.string(),
    inputs: values,
    status: PipelineRunStatus,
    error_message: z.string().nullable(),
    requested_by: z.string().nullable(),
    created_at: Timestamp,
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
  })
  .meta({ id: 'PipelineRun' });
export type PipelineRun = z.infer<typeof PipelineRun>;

export const Step = z
  .object({
    id: StepId,
    pipeline_run_id: PipelineRunId,
    step_index: z.int(),
    step_name: z.string(),
    step_type: action,
    env_name: z.string().nullable(),
    depends_on: z.array(z.string()),
    status: z.enum(['pending', 'blocked', 'running', 'succeeded', 'failed', 'skipped', 'cancelled']),
    subject_id: z.string().nullable().describe('the build run or deploy that does the work'),
    waits_for: z
      .enum(['approval', 'promotion'])
      .nullable()
      .describe('what its deploy waits for that only a person can do: an approval, or how a paused one goes on'),
    input_json: values,
    output_json: values.nullable(),
    error_message: z.string().nullable(),
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: 'Step' });
export type Step = z.infer<typeof Step>;

export const PipelineRunDetail = z.object({ run: PipelineRun, steps: z.array(Step) }).meta({ id: 'PipelineRunDetail' });
export type PipelineRunDetail = z.infer<typeof PipelineRunDetail>;

export const StartPipelineRun = z.strictObject({
  git_sha: GitSha.optional(),
  ref: GitSha.optional().describe('the same as git_sha'),
  manifest_hash: ManifestHash.nullish(),
  env_name: EnvironmentName.nullish(),
  env: EnvironmentName.nullish().describe('the same as env_name'),
  inputs: values.nullish(),
});
export type StartPipelineRun = z.input<typeof StartPipelineRun>;

export const ListPipelineRuns = PageQuery.extend({ status: PipelineRunStatus.optional() });
export type ListPipelineRuns = z.input<typeof ListPipelineRuns>;

/** A change of state, of anything. */
export const Event = z
  .object({
    sequence: z.int(),
    subject_kind: z.string(),
    subject_id: z.string(),
    from: z.string().nullable(),
    to: z.string(),
    event: z.string(),
    actor: z.string(),
    at: Timestamp,
  })
  .meta({ id: 'Event' });
export type Event = z.infer<typeof Event>;

export const EventQuery = z.object({
  after: z.coerce.number().int().min(0).default(0).describe('the last sequence already seen'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export type EventQuery = z.input<typeof EventQuery>;
export const EventPage = z.object({ data: z.array(Event) });
export type EventPage = z.infer<typeof EventPage>;
