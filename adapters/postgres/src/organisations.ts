import { type ApiToken, type Organisation, PlatformError, type Project } from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { listed } from './paging.ts';
import { part, raw } from './sql.ts';

const organisationColumns = raw('id, slug, name, tier, created_at as "createdAt"');

/** Tenants. */
export function organisations(database: Database): Records['organisations'] {
  const { sql } = database;
  return {
    async insert({ id, slug, name, tier, createdAt }) {
      const inserted = await sql`
        insert into organisations (id, slug, name, tier, created_at)
        values (${id}, ${slug}, ${name}, ${tier}, ${createdAt}) on conflict do nothing returning id`;
      if (inserted.length === 0) {
        throw new PlatformError('organisation_exists', `There is an organisation "${slug}" already.`);
      }
    },

    async get(id) {
      const [row] = await sql<Organisation>`select ${organisationColumns} from organisations where id = ${id}`;
      if (!row) throw new PlatformError('organisation_not_found', `There is no organisation ${id}.`);
      return row;
    },

    async findBySlug(slug) {
      const [row] = await sql<Organisation>`select ${organisationColumns} from organisations where slug = ${slug}`;
      return row ?? null;
    },

    list: (page) =>
      listed(database, { columns: organisationColumns, table: raw('organisations'), where: part`true`, page }),

    async count() {
      const [row] = await sql<{ count: number }>`select count(*) from organisations`;
      return row?.count ?? 0;
    },
  };
}

const projectColumns = raw(
  'id, tenant_id as "tenantId", slug, name, repo_url as "repoUrl", branch, repo_token_secret as "repoTokenSecret", created_at as "createdAt"',
);

/** Projects of tenants. */
export function projects(database: Database): Records['projects'] {
  const { sql } = database;
  return {
    async insert({ id, tenantId, slug, name, repoUrl, branch, repoTokenSecret, createdAt }) {
      const inserted = await sql`
        insert into projects (id, tenant_id, slug, name, repo_url, branch, repo_token_secret, created_at)
        values (${id}, ${tenantId}, ${slug}, ${name}, ${repoUrl}, ${branch}, ${repoTokenSecret}, ${createdAt})
        on conflict do nothing returning id`;
      if (inserted.length === 0) throw new PlatformError('project_exists', `There is a project "${slug}" already.`);
    },

    async update({ id, tenantId, name, repoUrl, branch, repoTokenSecret }) {
      const updated = await sql`
        update projects
        set name = ${name}, repo_url = ${repoUrl}, branch = ${branch}, repo_token_secret = ${repoTokenSecret}
        where id = ${id} and tenant_id = ${tenantId} returning id`;
      if (updated.length === 0) throw projectNotFound(id);
    },

    async get(tenantId, id) {
      const [row] = await sql<Project>`
        select ${projectColumns} from projects where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw projectNotFound(id);
      return row;
    },

    async findBySlug(tenantId, slug) {
      const [row] = await sql<Project>`
        select ${projectColumns} from projects where tenant_id = ${tenantId} and slug = ${slug}`;
      return row ?? null;
    },

    list: (tenantId, page) =>
      listed(database, {
        columns: projectColumns,
        table: raw('projects'),
        where: part`tenant_id = ${tenantId}`,
        page,
      }),

    async countAll() {
      const [row] = await sql<{ count: number }>`select count(*) from projects`;
      return row?.count ?? 0;
    },
  };
}

/** The answer for a project that is not there, or not of this tenant. */
export function projectNotFound(id: string): PlatformError {
  return new PlatformError('project_not_found', `There is no project ${id}.`);
}

const tokenColumns = raw(
  'id, tenant_id as "tenantId", name, hash, scopes, project_id as "projectId", created_at as "createdAt", expires_at as "expiresAt", revoked_at as "revokedAt"',
);

/** Bearer tokens, by their hashes. */
export function tokens(database: Database): Records['tokens'] {
  const { sql } = database;
  return {
    async insert({ id, tenantId, name, hash, scopes, projectId, createdAt, expiresAt, revokedAt }) {
      await sql`
        insert into tokens (id, tenant_id, name, hash, scopes, project_id, created_at, expires_at, revoked_at)
        values (${id}, ${tenantId}, ${name}, ${hash}, ${scopes}, ${projectId}, ${createdAt}, ${expiresAt}, ${revokedAt})`;
    },

    async findByHash(hash) {
      const [row] = await sql<ApiToken>`select ${tokenColumns} from tokens where hash = ${hash}`;
      return row ?? null;
    },

    async get(tenantId, id) {
      const [row] = await sql<ApiToken>`
        select ${tokenColumns} from tokens where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw tokenNotFound(id);
      return row;
    },

    list: (tenantId, page) =>
      listed(database, { columns: tokenColumns, table: raw('tokens'), where: part`tenant_id = ${tenantId}`, page }),

    async revoke(tenantId, id, at) {
      const revoked = await sql`
        update tokens set revoked_at = coalesce(revoked_at, ${at})
        where id = ${id} and tenant_id = ${tenantId} returning id`;
      if (revoked.length === 0) throw tokenNotFound(id);
    },
  };
}

function tokenNotFound(id: string): PlatformError {
  return new PlatformError('token_not_found', `There is no token ${id}.`);
}
