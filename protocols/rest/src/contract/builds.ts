import { z } from 'zod';
import { BuildArtifact, BuildFailure, BuildRun, BuildRunStatus, BuildStep, Waiting } from './build-runs.ts';
import { BuildId, BuildRunId, GitSha, ManifestHash, PageQuery, ProjectId, Timestamp } from './fields.ts';
import { LogEntry } from './logs.ts';

const duration = 'must be a length of time: seconds, or with a unit, such as 500ms, 90s, 15m or 1h';

/** `90`, `90s`, `15m`, `1h`: a bare number is seconds. */
export const Duration = z
  .union([z.int().positive().max(99_999_999), z.string().regex(/^[1-9][0-9]{0,7}(ms|s|m|h)?$/, duration)], {
    error: duration,
  })
  .describe('seconds, or with a unit: 500ms, 90s, 15m, 1h');

/** How a failure that passes by itself (network, a builder that is short of something, a registry that asks for a slower pace) is tried again. */
export const RetryPolicy = z.strictObject({
  max_retries: z.int().min(0).optional().describe('at most 3, which it is unless given; 0 never tries again'),
  initial_delay: Duration.optional().describe('30s unless given; it doubles each time'),
  max_delay: Duration.optional().describe('at most 300s, which it is unless given'),
});
export type RetryPolicy = z.input<typeof RetryPolicy>;

export const BuildInputs = z.strictObject({
  force_rebuild: z.boolean().optional(),
  tag: z
    .string()
    .regex(/^[\w][\w.-]{0,127}$/, 'must be an image tag: letters, digits, dots, hyphens and underscores')
    .optional(),
  build_args: z.record(z.string(), z.string()).optional(),
  platforms: z.array(z.string().min(1)).min(1).max(16).optional().describe('such as linux/amd64'),
  timeout: Duration.optional().describe("of the build itself; at most what the organisation's tier allows"),
  retry_policy: RetryPolicy.optional(),
});
export type BuildInputs = z.input<typeof BuildInputs>;

const place = z
  .string()
  .min(1)
  .max(512)
  .describe('registry (of the project), local (a directory of the builder), or an image reference');

export const BuildCache = z.strictObject({
  from: z.array(place).max(16).optional(),
  to: z.array(place).max(16).optional(),
  disabled: z.boolean().optional().describe('every step is carried out'),
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
  services: z
    .array(z.string().min(1).max(128))
    .min(1)
    .max(200)
    .nullish()
    .describe('null or absent: every service that has build'),
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

/** A build in a list. */
export const ListedBuild = BuildSpec.extend({
  last_status: BuildRunStatus.nullable().describe('of its newest run, verifications apart; null before the first'),
}).meta({ id: 'ListedBuild' });
export type ListedBuild = z.infer<typeof ListedBuild>;

/** A time (ISO 8601), or how long ago: `90m`, `24h`, `7d`. */
export const Since = z
  .union([z.iso.datetime({ offset: true }), z.iso.date(), z.string().regex(/^[1-9][0-9]{0,4}(s|m|h|d)$/)], {
    error: 'must be a time such as 2026-01-31T12:00:00Z, a day, or how long ago, such as 90m, 24h or 7d',
  })
  .describe('a time, a day, or how long ago: 90m, 24h, 7d');

export const ListBuilds = z.strictObject({
  ...PageQuery.shape,
  git_sha: GitSha.optional(),
  status: BuildRunStatus.optional().describe('of the newest run'),
  service: z.string().min(1).max(128).optional().describe('builds that cover it'),
  since: Since.optional(),
});
export type ListBuilds = z.input<typeof ListBuilds>;

export const PruneBuilds = z.strictObject({
  keep: z.int().min(0).max(100_000).nullish().describe('so many of the newest builds stay; 10 unless given'),
});
export type PruneBuilds = z.input<typeof PruneBuilds>;

export const PrunedBuilds = z
  .object({ deleted: z.int().describe('builds; what a release names or what runs is never among them') })
  .meta({ id: 'PrunedBuilds' });
export type PrunedBuilds = z.infer<typeof PrunedBuilds>;

/** The project's newest run that built something, and what is different now. */
export const LastGood = z
  .object({
    build_id: BuildId,
    number: z.int(),
    run_id: BuildRunId,
    git_sha: z.string().nullable(),
    completed_at: Timestamp.nullable(),
    differences: z.array(z.object({ what: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
  })
  .meta({ id: 'LastGood' });
export type LastGood = z.infer<typeof LastGood>;

export const BuildDiagnosis = z
  .object({
    spec: BuildSpec,
    runs: z.array(BuildRun).describe('newest first, at most 20, verifications among them'),
    run: BuildRun.nullable().describe('the newest that is no verification: what follows is about it'),
    artifacts: z.array(BuildArtifact),
    steps: z.array(BuildStep),
    cache: z
      .object({ steps: z.int(), hits: z.int(), rate: z.number().describe('from 0 to 1') })
      .nullable()
      .describe('of its last attempt'),
    logs: z.array(LogEntry).describe('the last 30'),
    waiting: Waiting.nullable(),
    failure: BuildFailure.nullable(),
    last_good: LastGood.nullable(),
  })
  .meta({ id: 'BuildDiagnosis' });
export type BuildDiagnosis = z.infer<typeof BuildDiagnosis>;
