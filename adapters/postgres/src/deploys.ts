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
    'cancel_requested_at as "cancelRequestedAt", created_at as "createdAt", started_at as "startedAt", completed_at as "completedAt"',
  ].join(', '),
);

/** Attempts to make revisions serve. */
export function deploys(database: Database): Records['deploys'] {
  const { sql } = database;
  return {
    insert: (deploy) => insert(database, deploy),
    get: (tenantId, id) => get(database, tenantId, id),

    async update(deploy, change) {
      const { phase, rolledBackTo, failure, startedAt, completedAt } = deploy;
      try {
        await changeState(database, 'deploy', deploy, change, {
          set: part`phase = ${phase}, rolled_back_to = ${rolledBackTo}, failure = ${json(failure)}::jsonb,
            started_at = ${startedAt}, completed_at = ${completedAt}`,
        });
      } catch (error) {
        if (violatedConstraint(error) !== 'deploys_one_deploying') throw error;
        throw changedMeanwhile('deploy', deploy.id, 'another one is under way in its environment');
      }
    },

    async setPhase({ id, tenantId, status, phase }, lease) {
      const written = await writeUnderLease(
        database,
        lease,
        part`
          update deploys set phase = ${phase}
          where id = ${id} and tenant_id = ${tenantId} and status = ${status} and exists (select from held)
          returning ${notifyChanged(id)}`,
      );
      if (written === 0) throw changedMeanwhile('deploy', id, `it is no longer ${status}`);
    },

    requestCancel: (tenantId, id, by, at) =>
      database.transaction(async (inside) => {
        const [asked] = await inside.sql<Deploy>`
          update deploys set cancel_requested_at = ${at}
          where id = ${id} and tenant_id = ${tenantId} and completed_at is null and cancel_requested_at is null
          returning ${columns}`;
        if (!asked) return get(inside, tenantId, id);
        await logCancelRequest(inside, 'deploy', asked, by, at);
        return readDeploy(asked);
      }),

    async list(tenantId, environmentId, { status, ...page }) {
      const ofStatus = status === undefined ? nothing : part`and status = ${status}`;
      const where = part`tenant_id = ${tenantId} and environment_id = ${environmentId} ${ofStatus}`;
      const { items, nextCursor } = await listed<Deploy>(database, { columns, table: raw('deploys'), where, page });
      return { items: items.map(readDeploy), nextCursor };
    },

    pending: (tenantId, environmentId) => sql<Deploy>`
      select ${columns} from deploys
      where tenant_id = ${tenantId} and environment_id = ${environmentId}
        and status in ('pending', 'awaiting_approval')
      order by id`,

    ofRevisions: (tenantId, revisions) => sql<Deploy>`
      select ${columns} from deploys where tenant_id = ${tenantId} and revision_id = any(${revisions}::text[]) order by id`,

    async previousHealthy(tenantId, environmentId, not) {
      const [row] = await sql<Deploy>`
        select ${columns} from deploys
        where tenant_id = ${tenantId} and environment_id = ${environmentId} and status = 'healthy'
          and revision_id is distinct from ${not}
        order by completed_at desc, id desc limit 1`;
      return row ?? null;
    },

    unfinished: () => sql<Deploy>`
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
        failure, created_by, cancel_requested_at, created_at, started_at, completed_at)
      values (${id}, ${tenantId}, ${projectId}, ${environmentId}, ${revisionId}, ${status}, ${phase}, ${cause},
        ${rolledBackTo}, ${json(failure)}, ${deploy.createdBy}, ${deploy.cancelRequestedAt}, ${deploy.createdAt},
        ${deploy.startedAt}, ${deploy.completedAt})`,
  });
}

async function get({ sql }: Database, tenantId: OrganisationId, id: DeployId): Promise<Deploy> {
  const [row] = await sql<Deploy>`select ${columns} from deploys where id = ${id} and tenant_id = ${tenantId}`;
  if (!row) throw new PlatformError('deploy_not_found', `There is no deploy ${id}.`);
  return readDeploy(row);
}

/** Times inside JSON come back as text. */
function readDeploy(row: Deploy): Deploy {
  const { failure } = row;
  return failure ? { ...row, failure: { ...failure, probes: failure.probes.map(readProbe) } } : row;
}

function readProbe(probe: DeployFailure['probes'][number]): DeployFailure['probes'][number] {
  return { ...probe, at: new Date(probe.at) };
}
