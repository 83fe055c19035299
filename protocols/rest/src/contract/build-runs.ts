import { z } from 'zod';
import { BuildArtifactId, BuildId, BuildRunId, Digest, PageQuery, ProjectId, Timestamp } from './fields.ts';

export const BuildRunStatus = z.enum(['pending', 'building', 'completed', 'failed', 'cancelled']);
export const BuilderName = z.enum(['buildx', 'buildkit', 'kaniko']);

export const ListBuildRuns = z.strictObject(PageQuery.shape);

export const ListArtifacts = z.strictObject({
  ...PageQuery.shape,
  run_id: BuildRunId.optional().describe('the newest completed run when left out'),
  cursor: z
    .string()
    .regex(/^\d{1,9}$/, 'is none that a list gave')
    .optional(),
});

export const WaitingReason = z.enum([
  'tenant_limit',
  'builder_capacity',
  'lock',
  'warm',
  'approval',
  'retry_delay',
  'free_worker',
]);

export const Waiting = z
  .object({
    reason: WaitingReason,
    position: z.int().describe('1 is next'),
    until: Timestamp.nullable().describe('when it is tried again, where that is known'),
  })
  .meta({ id: 'Waiting' });
export type Waiting = z.infer<typeof Waiting>;

export const BuildFailure = z
  .object({
    code: z.string(),
    phase: z
      .enum(['queue', 'prepare', 'source', 'plan', 'build', 'test', 'push', 'record'])
      .nullable()
      .describe('where in its way it failed'),
    message: z.string(),
    service: z.string().nullable(),
    step: z.string().nullable().describe('the failing Dockerfile step'),
    tail: z.array(z.string()).describe('its last lines, at most 30'),
    hint: z.string(),
    retry_helps: z.boolean(),
    retry_class: z
      .enum(['network', 'temporary_resource', 'registry_rate_limit'])
      .nullable()
      .describe('the cause passes by itself: tried again under the retry policy'),
  })
  .meta({ id: 'BuildFailure' });
export type BuildFailure = z.infer<typeof BuildFailure>;

/** What a run may use at most. */
export const BuildLimits = z.object({
  memory_bytes: z.number().nullable(),
  cpus: z.number().nullable(),
  timeout_ms: z.number(),
});
export type BuildLimits = z.infer<typeof BuildLimits>;

/** What a run has used so far, over all its services. */
export const BuildUsage = z.object({
  peak_memory_bytes: z.number(),
  cpu_ms: z.number(),
  disk_read_bytes: z.number(),
  disk_written_bytes: z.number(),
});
export type BuildUsage = z.infer<typeof BuildUsage>;

export const Cancel = z.object({
  requested_at: Timestamp,
  by: z.string().nullable(),
  reason: z.string().nullable(),
});
export type Cancel = z.infer<typeof Cancel>;

/** One attempt to carry a build out. */
export const BuildRun = z
  .object({
    id: BuildRunId,
    build_id: BuildId,
    project_id: ProjectId,
    status: BuildRunStatus,
    phase: z.enum(['preparing', 'downloading', 'building', 'optimizing', 'packaging']).nullable(),
    backend: BuilderName,
    attempt: z.int().describe('0 before it first starts'),
    retries: z.int().describe('how often it was tried again by itself'),
    notes: z.array(z.string()).describe('what the engine here cannot do for this run'),
    runner_ref: z.string().nullable(),
    logs_ref: z.string().nullable(),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    error: BuildFailure.nullable(),
    reused_from: BuildRunId.nullable().describe('nothing was built: these are the images of that run'),
    verifies: BuildRunId.nullable().describe('builds the images of that run again to compare them'),
    verification: z
      .array(
        z.object({
          service: z.string(),
          platform: z.string(),
          expected: z.string().describe('the digest that was recorded'),
          found: z.string().nullable().describe('the digest that building again gave'),
        }),
      )
      .nullable(),
    limits: BuildLimits.nullable().describe('known once it has started'),
    usage: BuildUsage.nullable().describe('so far; null where the engine cannot tell'),
    deadline: Timestamp.nullable().describe('while it waits or builds: fails with timeout_error then'),
    cancel_requested_at: Timestamp.nullable(),
    cancel: Cancel.nullable().describe('while building it is shown as cancelling until the engine has ended'),
    waiting: Waiting.nullable(),
    created_by: z.string().nullable(),
    created_at: Timestamp,
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
  })
  .meta({ id: 'BuildRun' });
export type BuildRun = z.infer<typeof BuildRun>;

export const StartBuildRun = z.strictObject({
  backend: BuilderName.nullish().describe('the server chooses when left out'),
  priority: z
    .int()
    .min(-100)
    .max(100)
    .nullish()
    .describe('among the builds of the organisation: higher first, 0 unless given'),
  runner_ref: z.string().nullish().describe('accepted, not used'),
});
export type StartBuildRun = z.input<typeof StartBuildRun>;

export const CancelBuild = z.strictObject({
  run_id: BuildRunId.nullish().describe('the latest run when left out'),
  reason: z.string().min(1).max(500).nullish().describe('kept with the run'),
});
export type CancelBuild = z.input<typeof CancelBuild>;

export const VerifyBuild = z.strictObject({
  run_id: BuildRunId.nullish().describe('the newest completed run when left out'),
});
export type VerifyBuild = z.input<typeof VerifyBuild>;

/** One step of a Dockerfile, or of what the engine does around it, in one attempt. */
export const BuildStep = z
  .object({
    service: z.string(),
    attempt: z.int(),
    index: z.int().describe('from 1, in the order in which they began'),
    name: z.string(),
    state: z.enum(['running', 'cached', 'done', 'failed']),
    cached: z.boolean(),
    cache_reason: z.string().nullable().describe('why it was not taken from the cache'),
    error: z.string().nullable(),
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
    duration_ms: z.number().nullable(),
  })
  .meta({ id: 'BuildStep' });
export type BuildStep = z.infer<typeof BuildStep>;

/** One pushed image. */
export const BuildArtifact = z
  .object({
    id: BuildArtifactId,
    build_id: BuildId,
    run_id: BuildRunId,
    service_name: z.string(),
    image_ref: z.string().describe('host/repository, without tag'),
    digest: Digest,
    tags: z.array(z.string()),
    platforms: z.array(z.string()),
    platform_digests: z.array(z.object({ platform: z.string(), manifest: z.string(), config: z.string() })),
    size_bytes: z.number().nullable(),
    sbom_ref: z.string().nullable(),
    provenance_ref: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'BuildArtifact' });
export type BuildArtifact = z.infer<typeof BuildArtifact>;
