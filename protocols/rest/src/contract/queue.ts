import { z } from 'zod';
import { WaitingReason } from './build-runs.ts';
import { BuildId, Flag, OrganisationId, Pagination, ProjectId, Timestamp } from './fields.ts';

export const WorkClass = z.enum(['build', 'deploy', 'control']);

export const QueueQuery = z.strictObject({
  class: WorkClass.optional().describe('builds and deploys unless given'),
  all: Flag.describe('of every organisation: for an operator'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().min(1).max(512).optional(),
});
export type QueueQuery = z.input<typeof QueueQuery>;

/** Something that waits to be carried out, or is being carried out. */
export const QueueEntry = z
  .object({
    kind: z.enum(['execute-build-run', 'execute-deploy', 'retire-instances', 'advance-pipeline-run']),
    class: WorkClass,
    subject_id: z.string().describe('of the build run, deploy or pipeline run'),
    build_id: BuildId.nullable().describe('of a build run'),
    build_number: z.int().nullable(),
    env_name: z.string().nullable().describe('of a deploy'),
    org_id: OrganisationId,
    org: z.string().describe('slug'),
    project_id: ProjectId,
    project: z.string().describe('slug'),
    state: z.enum(['queued', 'waiting', 'running']).describe('waiting: for its time'),
    reason: WaitingReason.nullable().describe('why it does not run; null while it runs'),
    why: z.string().nullable().describe('the same as a sentence'),
    position: z.int().nullable().describe('1 is next; null while it runs'),
    priority: z.int(),
    attempt: z.int(),
    created_at: Timestamp,
    since: Timestamp.describe('in its state'),
    until: Timestamp.nullable().describe('when what waits for its time is queued again'),
    deadline: Timestamp.nullable().describe('of a build run: it fails with timeout_error then'),
    worker: z.string().nullable(),
  })
  .meta({ id: 'QueueEntry' });
export type QueueEntry = z.infer<typeof QueueEntry>;

/** How much of an organisation's work of a class may run, and does. */
export const QueueLane = z
  .object({
    org_id: OrganisationId,
    class: WorkClass,
    max: z.int().nullable().describe('null: not limited'),
    running: z.int(),
    queued: z.int(),
    waiting: z.int(),
  })
  .meta({ id: 'QueueLane' });
export type QueueLane = z.infer<typeof QueueLane>;

/** How much of all organisations' work of a class may run together. */
export const QueueCapacity = z
  .object({ class: WorkClass, max: z.int(), running: z.int() })
  .meta({ id: 'QueueCapacity' });

export const Queue = z
  .object({
    data: z.array(QueueEntry).describe('what runs, then what is queued in its order, then what waits for its time'),
    pagination: Pagination,
    lanes: z.array(QueueLane),
    capacities: z.array(QueueCapacity),
  })
  .meta({ id: 'Queue' });
export type Queue = z.infer<typeof Queue>;
