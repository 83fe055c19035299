import { type BuildSpec, PlatformError } from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { projectNotFound } from './organisations.ts';
import { listed } from './paging.ts';
import { json, nothing, part, raw } from './sql.ts';

const columns = raw(
  'id, tenant_id as "tenantId", project_id as "projectId", number, source, target, git_sha as "gitSha", manifest_hash as "manifestHash", services, inputs, registry, cache, spec_key as "specKey", created_by as "createdBy", created_at as "createdAt"',
);

/** The immutable inputs of builds, numbered without gaps. */
export function buildSpecs(database: Database): Records['buildSpecs'] {
  const { sql } = database;
  return {
    async insertOrGet(spec) {
      return (
        (await findByKey(database, spec)) ?? (await database.transaction((inside) => insertNumbered(inside, spec)))
      );
    },

    async get(tenantId, id) {
      const [row] = await sql<BuildSpec>`
        select ${columns} from build_specs where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw new PlatformError('build_not_found', `There is no build ${id}.`);
      return row;
    },

    list(tenantId, projectId, { gitSha, status, ...page }) {
      const ofSha = gitSha === undefined ? nothing : part`and git_sha = ${gitSha}`;
      const ofStatus =
        status === undefined
          ? nothing
          : part`and ${status} = (
              select status from build_runs
              where build_runs.tenant_id = build_specs.tenant_id and build_id = build_specs.id
              order by build_runs.id desc limit 1)`;
      const where = part`tenant_id = ${tenantId} and project_id = ${projectId} ${ofSha} ${ofStatus}`;
      return listed(database, { columns, table: raw('build_specs'), where, page });
    },
  };
}

/** The project's row is the lock under which the key is looked up again and the number is counted. */
async function insertNumbered(inside: Database, spec: Omit<BuildSpec, 'number'>): Promise<BuildSpec> {
  const { id, tenantId, projectId, source, target, gitSha, manifestHash, services, specKey, createdBy, createdAt } =
    spec;
  const locked = await inside.sql`
    select from projects where id = ${projectId} and tenant_id = ${tenantId} for no key update`;
  if (locked.length === 0) throw projectNotFound(projectId);
  const existing = await findByKey(inside, spec);
  if (existing) return existing;

  const [inserted] = await inside.sql<BuildSpec>`
    with counted as (
      update projects set last_build_number = last_build_number + 1 where id = ${projectId}
      returning last_build_number
    )
    insert into build_specs (id, tenant_id, project_id, number, source, target, git_sha, manifest_hash, services,
      inputs, registry, cache, spec_key, created_by, created_at)
    select ${id}, ${tenantId}, ${projectId}, last_build_number, ${json(source)}::jsonb, ${target}, ${gitSha},
      ${manifestHash}, ${services}::text[], ${json(spec.inputs)}::jsonb, ${json(spec.registry)}::jsonb,
      ${json(spec.cache)}::jsonb, ${specKey}, ${createdBy}, ${createdAt}::timestamptz
    from counted returning ${columns}`;
  if (!inserted) throw new Error(`The build spec ${id} was not written.`);
  return inserted;
}

async function findByKey(
  { sql }: Database,
  { tenantId, projectId, specKey }: Pick<BuildSpec, 'tenantId' | 'projectId' | 'specKey'>,
): Promise<BuildSpec | null> {
  const [row] = await sql<BuildSpec>`
    select ${columns} from build_specs
    where tenant_id = ${tenantId} and project_id = ${projectId} and spec_key = ${specKey}`;
  return row ?? null;
}
