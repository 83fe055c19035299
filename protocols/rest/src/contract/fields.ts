import { z } from 'zod';

const digits = z.string().regex(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);

function id<Prefix extends string>(prefix: Prefix, thing: string) {
  return z.templateLiteral([`${prefix}_`, digits], {
    error: `must be the id of ${thing}: ${prefix}_ and 26 lower-case base32 digits`,
  });
}

export const OrganisationId = id('org', 'an organisation');
export const ProjectId = id('proj', 'a project');
export const TokenId = id('tok', 'a token');
export const ManifestId = id('mnfst', 'a manifest');
export const SecretId = id('secr', 'a secret');
export const BuildId = id('bld', 'a build');
export const BuildRunId = id('brun', 'a build run');
export const BuildArtifactId = id('bart', 'a build artifact');
export const ReleaseId = id('rel', 'a release');
export const EnvironmentId = id('env', 'an environment');
export const ConfigVersionId = id('cfg', 'a configuration version');
export const RevisionId = id('rev', 'a revision');
export const DeployId = id('dep', 'a deploy');
export const DriftId = id('drift', 'a drift');
export const PipelineRunId = id('prun', 'a pipeline run');
export const StepId = id('pstep', 'a pipeline step');

/** A project is named by its id or its slug. */
export const ProjectName = z.string().min(1).max(64).describe('id or slug of a project');
export const EnvironmentName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens, such as staging');
export const GitSha = z
  .string()
  .regex(
    /^[a-f0-9]{40}$/,
    'must be a whole commit id: exactly 40 lower-case hex digits; resolve branches and short ids first',
  );
export const ManifestHash = z
  .string()
  .regex(/^[a-f0-9]{64}$/, 'must be the SHA-256 of the manifest: 64 lower-case hex digits');
export const Digest = z
  .string()
  .regex(/^sha256:[a-f0-9]{64}$/, 'must be a digest: sha256: and 64 lower-case hex digits');

/** ISO 8601, UTC, with milliseconds. */
export const Timestamp = z.string().meta({ format: 'date-time' });

/** What people tell each other, such as why: it is shown on one line. */
export const OneLine = z
  .string()
  .max(500)
  .regex(/^\P{Cc}*$/u, 'must be one line of text');

/** Truth in a query: `true`, `1` or an empty value; absent is false. */
export const Flag = z
  .enum(['true', 'false', '1', '0', ''])
  .optional()
  .transform((text) => text !== undefined && text !== 'false' && text !== '0');

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().min(1).max(512).optional(),
  offset: z.coerce.number().int().min(0).max(10_000).optional(),
});
export type PageQuery = z.input<typeof PageQuery>;

export const Pagination = z
  .object({
    limit: z.int(),
    offset: z.int(),
    count: z.int().describe('rows on this page'),
    next_cursor: z.string().nullable().describe('null on the last page'),
  })
  .meta({ id: 'Pagination' });
export type Pagination = z.infer<typeof Pagination>;

/** A page of a list. */
export interface Page<Item> {
  data: Item[];
  pagination: Pagination;
}

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), pagination: Pagination });
}

/** One wrong field of a request or one wrong line of a document. */
export const ErrorDetail = z
  .object({
    path: z.string(),
    pointer: z.string().optional().describe('the same as a JSON pointer'),
    message: z.string(),
    line: z.int().optional(),
    column: z.int().optional(),
  })
  .meta({ id: 'ErrorDetail' });
export type ErrorDetail = z.infer<typeof ErrorDetail>;

/** RFC 9457, with the members that existing clients read: message, error, statusCode. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('stable; documented in the list of errors'),
    message: z.string(),
    error: z.string(),
    statusCode: z.int(),
    errors: z.array(ErrorDetail),
    correlation_id: z.string(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;
