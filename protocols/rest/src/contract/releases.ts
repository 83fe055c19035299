import { z } from 'zod';
import { BuildId, Digest, GitSha, ManifestHash, ProjectId, ProjectName, ReleaseId, Timestamp } from './fields.ts';

export const ImageDigests = z.record(z.string(), Digest).describe('service → digest');

const tag = z.string().regex(/^[\w][\w.-]{0,127}$/, 'must be a tag: letters, digits, dots, hyphens and underscores');

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

export const CreateRelease = z.strictObject({
  git_sha: GitSha.nullish(),
  manifest_hash: ManifestHash.nullish(),
  build_id: BuildId.nullish(),
  image_digests: ImageDigests.nullish(),
  version: z.string().min(1).max(128).nullish(),
  tag: tag.nullish(),
});
export type CreateRelease = z.input<typeof CreateRelease>;

export const ReleaseSelector = z.object({
  project_id: ProjectName.optional().describe('needed when several projects have the tag'),
});
