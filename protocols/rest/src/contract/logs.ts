import { z } from 'zod';
import { BuildRunId, Flag, Timestamp } from './fields.ts';

/** One line of what a build or deploy printed. */
export const LogEntry = z
  .object({
    sequence: z.int(),
    timestamp: Timestamp,
    line: z.object({
      message: z.string(),
      step: z.string().nullable(),
      service: z.string().nullable(),
      stream: z.enum(['stdout', 'stderr', 'platform']),
      level: z.enum(['info', 'error']),
      attempt: z.int(),
      error_code: z.string().optional().describe('on error lines'),
    }),
  })
  .meta({ id: 'LogEntry' });
export type LogEntry = z.infer<typeof LogEntry>;

export const LogPage = z.object({ logs: z.array(LogEntry) });
export type LogPage = z.infer<typeof LogPage>;

export const LogQuery = z.object({
  after: z.coerce.number().int().min(0).optional().describe('the last sequence already seen'),
  tail: z.coerce.number().int().min(1).max(10_000).optional().describe('only the last so many lines'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('at most so many lines, fewer where they are very long; only an empty page is the end'),
  step: z.string().min(1).max(500).optional().describe('only lines of this step'),
  attempt: z.coerce.number().int().min(1).max(1_000).optional().describe('only lines of this attempt of the run'),
  follow: Flag,
});
export type LogQuery = z.input<typeof LogQuery>;

export const BuildLogQuery = LogQuery.extend({
  run_id: BuildRunId.optional().describe('the latest run when left out'),
});
export type BuildLogQuery = z.input<typeof BuildLogQuery>;

/** `event: state`: what is followed (a build run or deploy), and why and where it waits, if it does. */
export const LogState = z.object({ subject_id: z.string(), waiting: z.string().nullable() });
export type LogState = z.infer<typeof LogState>;

/** `event: end`: the final state; nothing comes after it. */
export const LogEnd = z.object({
  state: z.string(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).nullable(),
});
export type LogEnd = z.infer<typeof LogEnd>;
