import { type ConfigVersion, type Environment, PlatformError, type Revision } from '@eve/domain';
import type { Records } from '@eve/operations';
import { board } from './board.ts';
import type { Database } from './connection.ts';
import { listed } from './paging.ts';
import { readEnvironment } from './read-environment.ts';
import { json, nothing, part, raw } from './sql.ts';
import { notifyChanged } from './state-change.ts';

const columns = raw(
  'id, tenant_id as "tenantId", project_id as "projectId", name, kind, status, suspended_reason as "suspendedReason", settings, lock, current_revision_id as "currentRevisionId", last_deploy_id as "lastDeployId", created_at as "createdAt"',
);

/** Where releases run. */
export function environments(database: Database): Records['environments'] {
  const { sql } = database;
  return {
    async insert(environment) {
      const { id, tenantId, projectId, name, kind, status, settings, lock } = environment;
      const { suspendedReason, currentRevisionId, lastDeployId, createdAt } = environment;
      const inserted = await sql`
        insert into environments
          (id, tenant_id, project_id, name, kind, status, suspended_reason, settings, lock, current_revision_id,
            last_deploy_id, created_at)
        values (${id}, ${tenantId}, ${projectId}, ${name}, ${kind}, ${status}, ${suspendedReason}, ${json(settings)},
          ${json(lock)}, ${currentRevisionId}, ${lastDeployId}, ${createdAt})
        on conflict (project_id, name) do nothing returning id`;
      if (inserted.length === 0) {
        throw new PlatformError('environment_exists', `There is an environment "${name}" already.`);
      }
    },

    async isGone(id) {
      return (await sql`select from environments where id = ${id}`).length === 0;
    },

    async get(tenantId, id) {
      const [row] = await sql<Environment>`
        select ${columns} from environments where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw notFound(id);
      return readEnvironment(row);
    },

    async findByName(tenantId, projectId, name) {
      const [row] = await sql<Environment>`
        select ${columns} from environments
        where tenant_id = ${tenantId} and project_id = ${projectId} and name = ${name}`;
      return row ? readEnvironment(row) : null;
    },

    async list(tenantId, projectId, page) {
      const where = part`tenant_id = ${tenantId} and project_id = ${projectId}`;
      const { items, nextCursor } = await listed<Environment>(database, {
        columns,
        table: raw('environments'),
        where,
        page,
      });
      return { items: items.map(readEnvironment), nextCursor };
    },

    async getForChange(tenantId, id) {
      const [row] = await sql<Environment>`
        select ${columns} from environments where id = ${id} and tenant_id = ${tenantId} for no key update`;
      if (!row) throw notFound(id);
      return readEnvironment(row);
    },

    board: board(database),

    async update(change) {
      const { id, tenantId, kind = null, status = null, currentRevisionId = null, lastDeployId = null } = change;
      // These may be taken away again: given as null is not the same as not given.
      const lock = change.lock === undefined ? nothing : part`, lock = ${json(change.lock)}::jsonb`;
      const reason =
        change.suspendedReason === undefined ? nothing : part`, suspended_reason = ${change.suspendedReason}`;
      const updated = await sql`
        update environments
        set kind = coalesce(${kind}, kind), status = coalesce(${status}, status),
          current_revision_id = coalesce(${currentRevisionId}, current_revision_id),
          last_deploy_id = coalesce(${lastDeployId}, last_deploy_id),
          settings = coalesce(${json(change.settings)}::jsonb, settings) ${lock} ${reason}
        where id = ${id} and tenant_id = ${tenantId}
        returning ${notifyChanged(id)}`;
      if (updated.length === 0) throw notFound(id);
    },

    delete: (tenantId, id) =>
      database.transaction(async ({ sql }) => {
        const emptied = await sql`
          update environments set current_revision_id = null, last_deploy_id = null
          where id = ${id} and tenant_id = ${tenantId} returning id`;
        if (emptied.length === 0) throw notFound(id);
        await sql`select set_config('eve.allow_delete', 'on', true)`;
        await sql`delete from endpoints where environment_id = ${id}`;
        await sql`delete from service_addresses where environment_id = ${id}`;
        await sql`delete from deploys where environment_id = ${id}`;
        await sql`delete from revisions where environment_id = ${id}`;
        await sql`delete from config_versions where environment_id = ${id}`;
        await sql`delete from environments where id = ${id}`;
        await sql`select set_config('eve.allow_delete', 'off', true)`;
      }),

    all: async () => (await sql<Environment>`select ${columns} from environments order by id`).map(readEnvironment),
  };
}

const configColumns = raw(
  'id, tenant_id as "tenantId", environment_id as "environmentId", number, settings as "values", message, created_by as "createdBy", created_at as "createdAt"',
);

/** Configurations of environments: each change a new one. */
export function configVersions(database: Database): Records['configVersions'] {
  const { sql } = database;
  return {
    async insert({ id, tenantId, environmentId, values, message, createdBy, createdAt }) {
      const [inserted] = await sql<ConfigVersion>`
        with counted as (
          update environments set last_config_number = last_config_number + 1
          where id = ${environmentId} and tenant_id = ${tenantId} returning last_config_number
        )
        insert into config_versions (id, tenant_id, environment_id, number, settings, message, created_by, created_at)
        select ${id}, ${tenantId}, ${environmentId}, last_config_number, ${json(values)}::jsonb, ${message},
          ${createdBy}, ${createdAt}::timestamptz
        from counted returning ${configColumns}`;
      if (!inserted) throw notFound(environmentId);
      return inserted;
    },

    async get(tenantId, id) {
      const [row] = await sql<ConfigVersion>`
        select ${configColumns} from config_versions where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw new PlatformError('revision_not_found', `There is no configuration ${id}.`);
      return row;
    },

    async findByNumber(tenantId, environmentId, number) {
      const [row] = await sql<ConfigVersion>`
        select ${configColumns} from config_versions
        where tenant_id = ${tenantId} and environment_id = ${environmentId} and number = ${number}`;
      return row ?? null;
    },

    async latest(tenantId, environmentId) {
      const [row] = await sql<ConfigVersion>`
        select ${configColumns} from config_versions
        where tenant_id = ${tenantId} and environment_id = ${environmentId} order by number desc limit 1`;
      return row ?? null;
    },

    list: (tenantId, environmentId, page) =>
      listed(database, {
        columns: configColumns,
        table: raw('config_versions'),
        where: part`tenant_id = ${tenantId} and environment_id = ${environmentId}`,
        page,
      }),
  };
}

const revisionColumns = raw(
  'id, tenant_id as "tenantId", project_id as "projectId", environment_id as "environmentId", number, release_id as "releaseId", config_version_id as "configVersionId", secret_versions as "secretVersions", restored_from as "restoredFrom", created_by as "createdBy", created_at as "createdAt"',
);

/** Release and configuration together, numbered per environment. */
export function revisions(database: Database): Records['revisions'] {
  const { sql } = database;
  return {
    async insert(revision) {
      const { id, tenantId, projectId, environmentId, releaseId, configVersionId, secretVersions } = revision;
      const [inserted] = await sql<Revision>`
        with counted as (
          update environments set last_revision_number = last_revision_number + 1
          where id = ${environmentId} and tenant_id = ${tenantId} returning last_revision_number
        )
        insert into revisions (id, tenant_id, project_id, environment_id, number, release_id, config_version_id,
          secret_versions, restored_from, created_by, created_at)
        select ${id}, ${tenantId}, ${projectId}, ${environmentId}, last_revision_number, ${releaseId},
          ${configVersionId}, ${json(secretVersions)}::jsonb, ${revision.restoredFrom}, ${revision.createdBy},
          ${revision.createdAt}::timestamptz
        from counted returning ${revisionColumns}`;
      if (!inserted) throw notFound(environmentId);
      return inserted;
    },

    async get(tenantId, id) {
      const [row] = await sql<Revision>`
        select ${revisionColumns} from revisions where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw new PlatformError('revision_not_found', `There is no revision ${id}.`);
      return row;
    },

    async findByNumber(tenantId, environmentId, number) {
      const [row] = await sql<Revision>`
        select ${revisionColumns} from revisions
        where tenant_id = ${tenantId} and environment_id = ${environmentId} and number = ${number}`;
      return row ?? null;
    },

    list: (tenantId, environmentId, page) =>
      listed(database, {
        columns: revisionColumns,
        table: raw('revisions'),
        where: part`tenant_id = ${tenantId} and environment_id = ${environmentId}`,
        page,
      }),
  };
}

function notFound(id: string): PlatformError {
  return new PlatformError('environment_not_found', `There is no environment ${id}.`);
}
