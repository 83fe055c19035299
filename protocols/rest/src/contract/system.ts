import { z } from 'zod';
import { GitSha, Timestamp } from './fields.ts';

export const Version = z
  .object({ version: z.string(), gitSha: z.string().nullable(), buildTime: z.string().nullable() })
  .meta({ id: 'Version' });
export type Version = z.infer<typeof Version>;

export const Health = z
  .object({
    status: z.enum(['ok', 'degraded']),
    database: z.enum(['ok', 'unavailable']),
    timestamp: Timestamp,
    build: Version,
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof Health>;

export const ResolvedRef = z.object({ ref: z.string(), git_sha: GitSha }).meta({ id: 'ResolvedRef' });
export type ResolvedRef = z.infer<typeof ResolvedRef>;

export const UploadedSource = z.object({ sha: GitSha, size_bytes: z.int() }).meta({ id: 'UploadedSource' });
export type UploadedSource = z.infer<typeof UploadedSource>;
