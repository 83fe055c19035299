import { z } from 'zod';
import { Since } from './builds.ts';
import {
  BuildId,
  Digest,
  EnvironmentName,
  GitSha,
  ManifestHash,
  PageQuery,
  ProjectId,
  ProjectName,
  ReleaseId,
  Timestamp,
} from './fields.ts';

export const ImageDigests = z.record(z.string(), Digest).describe('service → digest');

const tag = z
  .string()
  .regex(/^[\w][\w.+-]{0,127}$/, 'must be a tag: letters, digits, dots, hyphens, underscores and plus signs');

/** Commit, manifest and digests; the same in every environment. */
export const Release = z
  .object({
    id: ReleaseId,
    project_id: ProjectId,
    git_sha: z.string().nullable(),
    manifest_hash: z.string(),
    image_digests: z.record(z.string(), z.string()).nullable(),
    images: z.record(z.string(), z.object({ image_ref: z.string(), digest: z.string() })),
    build_id: BuildId.nullable(),
    version: z.string().nullable(),
    tag: z.string().nullable(),
    local: z.boolean().describe('made from an image that only the local engine holds'),
    created_by: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'Release' });
export type Release = z.infer<typeof Release>;

export const ReleaseBlock = z
  .object({ reason: z.string(), blocked_by: z.string(), blocked_at: Timestamp })
  .meta({ id: 'ReleaseBlock' });
export type ReleaseBlock = z.infer<typeof ReleaseBlock>;

/** A release in a list. */
export const ListedRelease = Release.extend({
  block: ReleaseBlock.nullable().describe('why it must not be deployed, by anybody or anything'),
}).meta({ id: 'ListedRelease' });
export type ListedRelease = z.infer<typeof ListedRelease>;

/** A release with what is known about it. */
export const ReleaseDetail = ListedRelease.extend({
  build_number: z.int().nullable(),
  running_in: z.array(
    z.object({
      env_name: z.string(),
      revision: z.int(),
      since: Timestamp.nullable(),
      by: z.string().nullable(),
    }),
  ),
}).meta({ id: 'ReleaseDetail' });
export type ReleaseDetail = z.infer<typeof ReleaseDetail>;

export const CreateRelease = z.strictObject({
  git_sha: GitSha.nullish(),
  manifest_hash: ManifestHash.nullish(),
  build_id: BuildId.nullish(),
  image_digests: ImageDigests.nullish(),
  version: z
    .string()
    .min(1)
    .max(128)
    .nullish()
    .describe('semantic; without version and tag the next one, counted from the commits since the last'),
  tag: tag.nullish().describe('unique in the project; v and the version unless given'),
});
export type CreateRelease = z.input<typeof CreateRelease>;

export const CreatedRelease = Release.extend({
  note: z.string().nullable().describe('what could not be looked at for its version'),
}).meta({ id: 'CreatedRelease' });
export type CreatedRelease = z.infer<typeof CreatedRelease>;

export const ListReleases = z.strictObject({
  ...PageQuery.shape,
  git_sha: z
    .string()
    .regex(/^[a-f0-9]{4,40}$/, 'must be a commit id or its beginning: 4 to 40 lower-case hex digits')
    .optional(),
  version: z.string().min(1).max(128).optional(),
  tag: z.string().min(1).max(128).optional(),
  build_id: BuildId.optional(),
  blocked: z.enum(['true', 'false']).optional().describe('only blocked ones, or only those that are not'),
  since: Since.optional(),
});
export type ListReleases = z.input<typeof ListReleases>;

export const BlockRelease = z.strictObject({ reason: z.string().min(1).max(500) });
export type BlockRelease = z.input<typeof BlockRelease>;

export const PruneReleases = z.strictObject({
  keep: z.int().min(0).max(100_000).nullish().describe('so many of the newest releases stay; 10 unless given'),
});
export type PruneReleases = z.input<typeof PruneReleases>;

const named = { id: ReleaseId, tag: z.string().nullable() };

export const PrunedReleases = z
  .object({
    deleted: z.int(),
    releases: z.array(z.object(named)).describe('those that were deleted'),
    kept: z
      .array(z.object({ ...named, reason: z.string() }))
      .describe('those beyond the newest that stay: in use, or what the next version is counted from'),
  })
  .meta({ id: 'PrunedReleases' });
export type PrunedReleases = z.infer<typeof PrunedReleases>;

const release = z.string().min(1).max(128).describe('tag or id of a release');

export const DiffReleases = z.strictObject({
  from: release,
  to: release,
  from_env: EnvironmentName.optional().describe('compares configuration too: as this environment ran the first'),
  to_env: EnvironmentName.optional().describe('and as this one ran the second; the same environment unless given'),
});
export type DiffReleases = z.input<typeof DiffReleases>;

const change = { before: z.string().nullable(), after: z.string().nullable() };
const imageSide = z.object({ image_ref: z.string(), digest: z.string(), size_bytes: z.int().nullable() }).nullable();
const configValue = z.union([z.object({ plain: z.string() }), z.object({ secret: z.string() })]).nullable();

/** What lies between two releases. */
export const ReleaseDiff = z
  .object({
    before: Release,
    after: Release,
    commits: z.array(z.object({ sha: z.string(), author: z.string(), at: Timestamp, message: z.string() })),
    commits_complete: z.boolean().describe('the commits are all there are, and lead from one release to the other'),
    manifest: z.array(z.object({ service: z.string().nullable(), what: z.string(), ...change })),
    images: z.array(
      z.object({
        service: z.string(),
        before: imageSide,
        after: imageSide,
        same: z.boolean(),
        packages: z
          .array(z.object({ name: z.string(), ...change }))
          .nullable()
          .describe('null unless both images carry an SBOM'),
      }),
    ),
    configuration: z
      .array(z.object({ service: z.string(), key: z.string(), before: configValue, after: configValue }))
      .nullable()
      .describe('null where no environment was named; a secret is shown by its name'),
    notes: z.array(z.string()).describe('what could not be looked at, and why'),
  })
  .meta({ id: 'ReleaseDiff' });
export type ReleaseDiff = z.infer<typeof ReleaseDiff>;

export const ReleaseSelector = z.object({
  project_id: ProjectName.optional().describe('needed when several projects have the tag'),
});
