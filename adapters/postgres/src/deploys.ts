import { type Deploy, type DeployFailure, type DeployId, type OrganisationId, PlatformError } from '@eve/domain';
import type { Records } from '@eve/operations';
import { type Database, violatedConstraint } from './connection.ts';
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
    'id, tenant_id as "tenantId", project_id as "projectId", environment_id as "environmentId", revision_id as "revisionId"',
    'status, phase, cause, rolled_back_to as "rolledBackTo", failure, created_by as "createdBy"',
    'strategy, warnings, canary, canary_request as "canaryRequest", release_commands as "releaseCommands"',
    'approved_by as "approvedBy", approved_at as "approvedAt"',
    'cancel_requested_at as "cancelRequestedAt", cancel_reason as "cancelReason", created_at as "createdAt", started_at as "startedAt", completed_at as "completedAt"',
  ].join(', '),
);

/** Attempts to make revisions serve. */
export function deploys(database: Database): Records['deploys'] {
  const { sql } = database;
  const read = async (...statement: Parameters<typeof sql>) => (await sql<Deploy>(...statement)).map(readDeploy);
  return {
    insert: (deploy) => insert(database, deploy),
    get: (tenantId, id) => get(database, tenantId, id),
    getForChange: (tenantId, id) => get(database, tenantId, id, part`for no key update`),

    async update(deploy, change) {
      const { phase, rolledBackTo, failure, canary, releaseCommands, startedAt, completedAt } = deploy;
      try {
        await changeState(database, 'deploy', deploy, change, {
          set: part`phase = ${phase}, rolled_back_to = ${rolledBackTo}, failure = ${json(failure)}::jsonb,
            canary = ${json(canary)}::jsonb, release_commands = ${json(releaseCommands)}::jsonb,
            started_at = ${startedAt}, completed_at = ${completedAt}`,
        });
      } catch (error) {
        if (violatedConstraint(error) !== 'deploys_one_deploying') throw error;
        throw changedMeanwhile('deploy', deploy.id, 'another one is under way in its environment');
      }
    },

    async setPhase({ id, tenantId, status, phase, canary, releaseCommands, failure, rolledBackTo }, lease) {
      const written = await writeUnderLease(
        database,
        lease,
        part`
          update deploys set phase = ${phase}, canary = ${json(canary)}::jsonb,
            release_commands = ${json(releaseCommands)}::jsonb, failure = ${json(failure)}::jsonb,
            rolled_back_to = ${rolledBackTo}
          where id = ${id} and tenant_id = ${tenantId} and status = ${status} and exists (select from held)
          returning ${notifyChanged(id)}`,
      );
      if (written === 0) throw changedMeanwhile('deploy', id, `it is no longer ${status}`);
    },

    requestCancel: (tenantId, id, by, at, reason) =>
      database.transaction(async (inside) => {
        const [asked] = await inside.sql<Deploy>`
          update deploys set cancel_requested_at = ${at}, cancel_reason = ${reason ?? null}
          where id = ${id} and tenant_id = ${tenantId} and completed_at is null and cancel_requested_at is null
          returning ${columns}`;
        if (!asked) return get(inside, tenantId, id);
        await logCancelRequest(inside, 'deploy', asked, by, at);
        return readDeploy(asked);
      }),

    async setCanaryRequest(tenantId, id, request) {
      const written = await sql`
        update deploys set canary_request = ${request}
        where id = ${id} and tenant_id = ${tenantId} and completed_at is null returning ${notifyChanged(id)}`;
      if (written.length === 0) throw changedMeanwhile('deploy', id, 'it has ended');
    },

    async approve(tenantId, id, by, at) {
      const [approved] = await sql<Deploy>`
        update deploys set approved_by = ${by}, approved_at = ${at}
        where id = ${id} and tenant_id = ${tenantId} and status = 'awaiting_approval' and approved_at is null
        returning ${columns}`;
      if (!approved) throw changedMeanwhile('deploy', id, 'it does not wait for approval');
      return readDeploy(approved);
    },

    async active(tenantId, environmentId) {
      const [row] = await read`
        select ${columns} from deploys
        where tenant_id = ${tenantId} and environment_id = ${environmentId} and status = 'deploying'`;
      return row ?? null;
    },

    async list(tenantId, environmentId, { status, ...page }) {
      const ofStatus = status === undefined ? nothing : part`and status = ${status}`;
      const where = part`tenant_id = ${tenantId} and environment_id = ${environmentId} ${ofStatus}`;
      const { items, nextCursor } = await listed<Deploy>(database, { columns, table: raw('deploys'), where, page });
      return { items: items.map(readDeploy), nextCursor };
    },

    async listOfProject(tenantId, projectId, { environmentId, status, cause, createdBy, releaseId, since, ...page }) {
      const where = part`tenant_id = ${tenantId} and project_id = ${projectId}
        ${environmentId === undefined ? nothing : part`and environment_id = ${environmentId}`}
        ${status === undefined ? nothing : part`and status = ${status}`}
        ${cause === undefined ? nothing : part`and cause = ${cause}`}
        ${createdBy === undefined ? nothing : part`and created_by = ${createdBy}`}
        ${since === undefined ? nothing : part`and created_at >= ${since}`}
        ${releaseId === undefined ? nothing : part`and revision_id in (select id from revisions where release_id = ${releaseId})`}`;
      const { items, nextCursor } = await listed<Deploy>(database, { columns, table: raw('deploys'), where, page });
      return { items: items.map(readDeploy), nextCursor };
    },

    pending: (tenantId, environmentId) => read`
      select ${columns} from deploys
      where tenant_id = ${tenantId} and environment_id = ${environmentId}
        and status in ('pending', 'awaiting_approval')
      order by id`,

    ofRevisions: (tenantId, revisions) => read`
      select ${columns} from deploys where tenant_id = ${tenantId} and revision_id = any(${revisions}::text[]) order by id`,

    async previousHealthy(tenantId, environmentId, not) {
      const [row] = await read`
        select ${columns} from deploys
        where tenant_id = ${tenantId} and environment_id = ${environmentId} and status = 'healthy'
          and revision_id is distinct from ${not}
        order by completed_at desc, id desc limit 1`;
      return row ?? null;
    },

    unfinished: () => read`
      select ${columns} from deploys where status in ('pending', 'awaiting_approval', 'deploying') order by id`,

    async hasEnded(id) {
      return (
        (await sql`select from deploys where id = ${id} and status in ('healthy', 'failed', 'cancelled', 'superseded')`)
          .length > 0
      );
    },
  };
}

function insert(database: Database, deploy: Deploy): Promise<void> {
  const { id, tenantId, projectId, environmentId, revisionId, status, phase, cause, rolledBackTo, failure } = deploy;
  return insertStateful(database, 'deploy', deploy, {
    actor: deploy.createdBy,
    at: deploy.createdAt,
    insert: part`
      insert into deploys (id, tenant_id, project_id, environment_id, revision_id, status, phase, cause, rolled_back_to,
        failure, strategy, warnings, canary, canary_request, release_commands, approved_by, approved_at, created_by,
        cancel_requested_at, cancel_reason, created_at, started_at, completed_at)
      values (${id}, ${tenantId}, ${projectId}, ${environmentId}, ${revisionId}, ${status}, ${phase}, ${cause},
        ${rolledBackTo}, ${json(failure)}, ${json(deploy.strategy)}, ${deploy.warnings}, ${json(deploy.canary)}, ${deploy.canaryRequest},
        ${json(deploy.releaseCommands)}, ${deploy.approvedBy}, ${deploy.approvedAt}, ${deploy.createdBy},
        ${deploy.cancelRequestedAt}, ${deploy.cancelReason}, ${deploy.createdAt},
        ${deploy.startedAt}, ${deploy.completedAt})`,
  });
}

async function get({ sql }: Database, tenantId: OrganisationId, id: DeployId, lock = nothing): Promise<Deploy> {
  const [row] = await sql<Deploy>`
    select ${columns} from deploys where id = ${id} and tenant_id = ${tenantId} ${lock}`;
  if (!row) throw new PlatformError('deploy_not_found', `There is no deploy ${id}.`);
  return readDeploy(row);
}

/** Times inside JSON come back as text. */
function readDeploy(row: Deploy): Deploy {
  const { failure, canary, releaseCommands } = row;
  return {
    ...row,
    canary: canary && { ...canary, since: new Date(canary.since) },
    releaseCommands: releaseCommands.map((run) => ({
      ...run,
      startedAt: new Date(run.startedAt),
      completedAt: run.completedAt && new Date(run.completedAt),
    })),
    failure: failure && {
      ...failure,
      probes: failure.probes.map(readProbe),
      instances: failure.instances.map((each) => ({ ...each, probes: each.probes.map(readProbe) })),
    },
  };
}

function readProbe(probe: DeployFailure['probes'][number]): DeployFailure['probes'][number] {
  return { ...probe, at: new Date(probe.at) };
}
