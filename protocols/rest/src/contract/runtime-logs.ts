import { z } from 'zod';
import { Since } from './builds.ts';
import { Flag, Timestamp } from './fields.ts';

/** A line that an instance of a service printed. */
export const ServiceLine = z
  .object({
    timestamp: Timestamp,
    service: z.string(),
    instance: z.string().describe("the instance's name without its environment's"),
    revision: z.int().nullable().describe('the number of the revision that it runs'),
    stream: z.enum(['stdout', 'stderr']),
    line: z.string(),
  })
  .meta({ id: 'ServiceLine' });
export type ServiceLine = z.infer<typeof ServiceLine>;

export const ServiceLogs = z
  .object({ logs: z.array(ServiceLine), is_cut: z.boolean().describe('older lines match too') })
  .meta({ id: 'ServiceLogs' });
export type ServiceLogs = z.infer<typeof ServiceLogs>;

const name = z.string().min(1).max(128);

export const ServiceLogQuery = z.object({
  since: Since.optional(),
  tail: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('the last so many of all that match; 100 unless given, or 10,000 with since'),
  grep: z.string().min(1).max(1000).optional().describe('only lines with this text in them'),
  instance: name.optional().describe('only of this instance'),
  pod: name.optional().describe('the same as instance'),
  revision: z.coerce.number().int().min(1).max(1_000_000_000).optional().describe('only of this revision'),
  previous: Flag.describe('only of instances that do not run any more'),
  follow: Flag,
});
export type ServiceLogQuery = z.input<typeof ServiceLogQuery>;

export const EnvironmentLogQuery = ServiceLogQuery.extend({
  service: name.optional().describe('of all services unless given'),
});
export type EnvironmentLogQuery = z.input<typeof EnvironmentLogQuery>;

/** `event: pod_changed`: an instance is followed from now on, or is gone. */
export const InstanceChange = z.object({
  service: z.string(),
  instance: z.string(),
  revision: z.int().nullable(),
  state: z.enum(['followed', 'gone']),
});
export type InstanceChange = z.infer<typeof InstanceChange>;
