import { z } from 'zod';
import {
  BuildArtifactId,
  BuildId,
  BuildRunId,
  Digest,
  GitSha,
  ManifestHash,
  PageQuery,
  ProjectId,
  Timestamp,
} from './fields.ts';
import { LogEntry } from './logs.ts';

/** `90`, `90s`, `15m`, `1h`: a bare number is seconds. */
export const Duration = z
  .union([z.int().positive(), z.string().regex(/^[1-9][0-9]{0,7}(ms|s|m|h)?$/)])
  .describe('seconds, or with a unit: 500ms, 90s, 15m, 1h');

export const BuildInputs = z.strictObject({
  force_rebuild: z.boolean().optional(),
  tag: z
    .string()
    .regex(/^[\w][\w.-]{0,127}$/, 'must be an image tag: letters, digits, dots, hyphens and underscores')
    .optional(),
  build_args: z.record(z.string(), z.string()).optional(),
  platforms: z.array(z.string().min(1)).min(1).optional(),
  timeout: Duration.optional(),
});
export type BuildInputs = z.input<typeof BuildInputs>;

export const BuildCache = z.strictObject({
  from: z.array(z.string()).optional(),
  to: z.array(z.string()).optional(),
  disabled: z.boolean().optional(),
});

const registry = z.union([
  z.enum(['eve', 'none']),
  z.strictObject({
    host: z.string().min(1),
    namespace: z.string().optional(),
    auth: z.strictObject({ username_secret: z.string().optional(), token_secret: z.string().optional() }).optional(),
  }),
]);

export const CreateBuild = z.strictObject({
  git_sha: GitSha,
  manifest_hash: ManifestHash,
  services: z.array(z.string().min(1)).min(1).nullish().describe('null or absent: every service that has build'),
  inputs: BuildInputs.nullish(),
  registry: registry.nullish().describe("instead of the manifest's"),
  cache: BuildCache.nullish(),
});
export type CreateBuild = z.input<typeof CreateBuild>;

export const BuildSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('git'), sha: z.string() }),
  z.object({ kind: z.literal('archive'), sha256: z.string() }),
  z.object({ kind: z.literal('image'), digest: z.string() }),
]);

/** The immutable input of a build. */
export const BuildSpec = z
  .object({
    id: BuildId,
    project_id: ProjectId,
    number: z.int(),
    source: BuildSource,
    target: z.enum(['image', 'microvm_rootfs']),
    git_sha: z.string().nullable(),
    manifest_hash: z.string().nullable(),
    services: z.array(z.string()).nullable(),
    inputs: BuildInputs.nullable(),
    registry: z.unknown(),
    cache: BuildCache.nullable(),
    created_by: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'BuildSpec' });
export type BuildSpec = z.infer<typeof BuildSpec>;

export const BuildRunStatus = z.enum(['pending', 'building', 'completed', 'failed', 'cancelled']);
export const BuilderName = z.enum(['buildx', 'buildkit', 'kaniko']);

export const ListBuilds = PageQuery.extend({ git_sha: GitSha.optional(), status: BuildRunStatus.optional() });
export type ListBuilds = z.input<typeof ListBuilds>;

export const ListArtifacts = PageQuery.extend({
  run_id: BuildRunId.optional().describe('the newest completed run when left out'),
  cursor: z
    .string()
    .regex(/^\d{1,9}$/, 'is none that a list gave')
    .optional(),
});

export const Waiting = z
  .object({
    reason: z.enum(['tenant_limit', 'builder_capacity', 'lock', 'approval', 'retry_delay', 'free_worker']),
    position: z.int().describe('1 is next'),
  })
  .meta({ id: 'Waiting' });
export type Waiting = z.infer<typeof Waiting>;

export const BuildFailure = z
  .object({
    code: z.string(),
    message: z.string(),
    service: z.string().nullable(),
    step: z.string().nullable().describe('the failing Dockerfile step'),
    tail: z.array(z.string()).describe('its last lines, at most 30'),
    hint: z.string(),
    retry_helps: z.boolean(),
  })
  .meta({ id: 'BuildFailure' });
export type BuildFailure = z.infer<typeof BuildFailure>;

/** One attempt to carry a build out. */
export const BuildRun = z
  .object({
    id: BuildRunId,
    build_id: BuildId,
    project_id: ProjectId,
    status: BuildRunStatus,
    phase: z.enum(['preparing', 'downloading', 'building', 'optimizing', 'packaging']).nullable(),
    backend: BuilderName,
    attempt: z.int(),
    notes: z.array(z.string()),
    runner_ref: z.string().nullable(),
    logs_ref: z.string().nullable(),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    error: BuildFailure.nullable(),
    reused_from: BuildRunId.nullable(),
    cancel_requested_at: Timestamp.nullable(),
    waiting: Waiting.nullable(),
    created_by: z.string().nullable(),
    created_at: Timestamp,
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
  })
  .meta({ id: 'BuildRun' });
export type BuildRun = z.infer<typeof BuildRun>;

export const StartBuildRun = z.strictObject({
  backend: BuilderName.nullish(),
  runner_ref: z.string().nullish().describe('accepted, not used'),
});
export type StartBuildRun = z.input<typeof StartBuildRun>;

export const CancelBuild = z.strictObject({
  run_id: BuildRunId.nullish().describe('the latest run when left out'),
  reason: z.string().max(500).nullish(),
});
export type CancelBuild = z.input<typeof CancelBuild>;

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

export const BuildDiagnosis = z
  .object({
    spec: BuildSpec,
    runs: z.array(BuildRun),
    artifacts: z.array(BuildArtifact),
    logs: z.array(LogEntry).describe('the last 30 of the newest run'),
    waiting: Waiting.nullable(),
    failure: BuildFailure.nullable(),
  })
  .meta({ id: 'BuildDiagnosis' });
export type BuildDiagnosis = z.infer<typeof BuildDiagnosis>;
