import { type BuildRun, type BuildRunId, type OrganisationId, PlatformError } from '@eve/domain';
import type { Records } from '@eve/operations';
import { type Database, errorCode } from './connection.ts';
import { listed } from './paging.ts';
import { json, nothing, part, raw } from './sql.ts';
import {
  changedMeanwhile,
  changeState,
  insertStateful,
  logCancelRequest,
  notifyChanged,
  writeUnderLease,
} from './state-change.ts';

const columns = raw(
  [
    'id, tenant_id as "tenantId", project_id as "projectId", build_id as "buildId", status, phase, backend, notes, attempt',
    'runner_ref as "runnerRef", logs_ref as "logsRef", failure, reused_from as "reusedFrom"',
    'cancel_requested_at as "cancelRequestedAt", cancel_requested_by as "cancelRequestedBy"',
    'cancel_reason as "cancelReason", retries, queue_deadline_at as "queueDeadlineAt", limits, usage, verifies, verification',
    'created_by as "createdBy", created_at as "createdAt", started_at as "startedAt", completed_at as "completedAt"',
  ].join(', '),
);

/** Attempts to carry build specs out. */
export function buildRuns(database: Database): Records['buildRuns'] {
  const { sql } = database;
  return {
    insert: (run) =>
      insert(database, run).catch((error: unknown) => {
        throw goneMeanwhile(error, run);
      }),
    get: (tenantId, id) => get(database, tenantId, id),

    list: (tenantId, buildId, page) =>
      listed(database, {
        columns,
        table: raw('build_runs'),
        where: part`tenant_id = ${tenantId} and build_id = ${buildId}`,
        page,
      }),

    async latest(tenantId, buildId) {
      const [row] = await sql<BuildRun>`
        select ${columns} from build_runs
        where tenant_id = ${tenantId}
          and id = (select run_id from build_heads where build_id = ${buildId} and service = '*')`;
      return row ?? null;
    },

    async update(run, change) {
      const { phase, backend, notes, attempt, runnerRef, logsRef, failure, startedAt, completedAt } = run;
      await changeState(database, 'build_run', run, change, {
        set: part`phase = ${phase}, backend = ${backend}, notes = ${notes}, attempt = ${attempt},
          runner_ref = ${runnerRef}, logs_ref = ${logsRef}, failure = ${json(failure)}::jsonb,
          reused_from = ${run.reusedFrom}, retries = ${run.retries}, queue_deadline_at = ${run.queueDeadlineAt},
          limits = ${json(run.limits)}::jsonb, usage = ${json(run.usage)}::jsonb,
          verification = ${json(run.verification)}::jsonb, started_at = ${startedAt}, completed_at = ${completedAt}`,
        // Whoever asked for an end before the last write gets it.
        and: run.status === 'completed' ? part`and cancel_requested_at is null` : nothing,
      }).catch((error: unknown) => {
        throw goneMeanwhile(error, run);
      });
    },

    async note(run, lease) {
      const { id, tenantId, phase, runnerRef, logsRef, notes, backend, limits, usage } = run;
      const written = await writeUnderLease(
        database,
        lease,
        part`
          update build_runs
          set phase = ${phase}, runner_ref = ${runnerRef}, logs_ref = ${logsRef}, notes = ${notes}, backend = ${backend},
            limits = ${json(limits)}::jsonb, usage = ${json(usage)}::jsonb
          where id = ${id} and tenant_id = ${tenantId} and status = ${run.status} and exists (select from held)
          returning ${notifyChanged(id)}`,
      );
      if (written === 0) throw changedMeanwhile('build_run', id, `it is no longer ${run.status}`);
    },

    requestCancel: (tenantId, id, by, at, reason) =>
      database.transaction(async (inside) => {
        const [asked] = await inside.sql<BuildRun>`
          update build_runs
          set cancel_requested_at = ${at}, cancel_requested_by = ${by}, cancel_reason = ${reason ?? null}
          where id = ${id} and tenant_id = ${tenantId} and completed_at is null and cancel_requested_at is null
          returning ${columns}`;
        if (!asked) return get(inside, tenantId, id);
        await logCancelRequest(inside, 'build_run', asked, by, at);
        return asked;
      }),

    async findReusable({ tenantId, projectId, source, target, gitSha, manifestHash, services, inputs, registry }) {
      // Written out, because an index is not used for `is not distinct from`.
      const ofSha = gitSha === null ? part`git_sha is null` : part`git_sha = ${gitSha}`;
      const [row] = await sql<BuildRun>`
        select ${columns} from build_runs
        where tenant_id = ${tenantId} and project_id = ${projectId} and status = 'completed' and verifies is null
          and build_id in (
            select id from build_specs
            where tenant_id = ${tenantId} and project_id = ${projectId}
              and ${ofSha} and source = ${json(source)}::jsonb and target = ${target}
              and manifest_hash is not distinct from ${manifestHash}
              and registry is not distinct from ${json(registry)}::jsonb
              and coalesce(inputs, '{}') - ${unshaping}::text[] = ${json(inputs ?? {})}::jsonb - ${unshaping}::text[]
              and (services is null or services @> ${services}::text[])
          )
        order by id desc limit 1`;
      return row ?? null;
    },

    unfinished: () => sql<BuildRun>`
      select ${columns} from build_runs where status in ('pending', 'building') order by id`,

    overdue: (at, limit) => sql<BuildRun>`
      select ${columns} from build_runs where status = 'pending' and queue_deadline_at <= ${at}
      order by queue_deadline_at limit ${limit}`,

    async lastCompleted({ tenantId, projectId, target, services }, before) {
      const [row] = await sql<BuildRun>`
        select ${columns} from build_runs
        where tenant_id = ${tenantId} and project_id = ${projectId} and id < ${before}
          and status = 'completed' and reused_from is null and verifies is null
          and exists (
            select from build_specs
            where build_specs.id = build_id and target = ${target}
              and (services is null or services @> ${services}::text[]))
        order by id desc limit 1`;
      return row ?? null;
    },

    async hasEnded(id) {
      return (
        (await sql`select from build_runs where id = ${id} and status in ('completed', 'failed', 'cancelled')`).length >
        0
      );
    },
  };
}

/** Inputs that say how to build and what to call it, but leave the image as it is. */
const unshaping = ['forceRebuild', 'tag', 'timeoutMs', 'retryPolicy'];

function insert(database: Database, run: BuildRun): Promise<void> {
  const { id, tenantId, projectId, buildId, status, phase, backend, notes, attempt, runnerRef, logsRef, failure } = run;
  return insertStateful(database, 'build_run', run, {
    actor: run.createdBy,
    at: run.createdAt,
    insert: part`
      insert into build_runs (id, tenant_id, project_id, build_id, status, phase, backend, notes, attempt, runner_ref,
        logs_ref, failure, reused_from, cancel_requested_at, cancel_requested_by, cancel_reason, retries,
        queue_deadline_at, limits, usage, verifies, verification, created_by, created_at, started_at, completed_at)
      values (${id}, ${tenantId}, ${projectId}, ${buildId}, ${status}, ${phase}, ${backend}, ${notes}, ${attempt},
        ${runnerRef}, ${logsRef}, ${json(failure)}, ${run.reusedFrom}, ${run.cancelRequestedAt},
        ${run.cancelRequestedBy}, ${run.cancelReason}, ${run.retries}, ${run.queueDeadlineAt}, ${json(run.limits)},
        ${json(run.usage)}, ${run.verifies}, ${json(run.verification)}, ${run.createdBy}, ${run.createdAt},
        ${run.startedAt}, ${run.completedAt})`,
  });
}

/** What a foreign key says when a build was deleted after it was read: there is no such build, or no such run of it. */
function goneMeanwhile(error: unknown, { buildId, reusedFrom, verifies }: BuildRun): unknown {
  if (errorCode(error) !== '23503' || !(error instanceof Error && 'constraint' in error)) return error;
  const constraint = String(error.constraint);
  if (/_(?:reused_from|verifies)_fkey$/.test(constraint))
    return new PlatformError('build_run_not_found', `There is no build run ${reusedFrom ?? verifies}.`);
  return /_build_id_fkey$/.test(constraint)
    ? new PlatformError('build_not_found', `There is no build ${buildId}.`)
    : error;
}

async function get({ sql }: Database, tenantId: OrganisationId, id: BuildRunId): Promise<BuildRun> {
  const [row] = await sql<BuildRun>`select ${columns} from build_runs where id = ${id} and tenant_id = ${tenantId}`;
  if (!row) throw new PlatformError('build_run_not_found', `There is no build run ${id}.`);
  return row;
}
