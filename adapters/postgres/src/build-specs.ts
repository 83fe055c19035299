import { type BuildSpec, PlatformError } from '@eve/domain';
import type { Records } from '@eve/operations';
import { deleteBuild, prunable } from './build-deletion.ts';
import { listBuilds, specColumns } from './build-list.ts';
import type { Database } from './connection.ts';
import { projectNotFound } from './organisations.ts';
import { json } from './sql.ts';

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
        select ${specColumns} from build_specs where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw new PlatformError('build_not_found', `There is no build ${id}.`);
      return row;
    },

    list: (tenantId, projectId, page) => listBuilds(database, tenantId, projectId, page),
    prunable: (tenantId, projectId, keep) => prunable(database, tenantId, projectId, keep),
    delete: (tenantId, id) => database.transaction((inside) => deleteBuild(inside, tenantId, id)),
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
    from counted returning ${specColumns}`;
  if (!inserted) throw new Error(`The build spec ${id} was not written.`);
  return inserted;
}

async function findByKey(
  { sql }: Database,
  { tenantId, projectId, specKey }: Pick<BuildSpec, 'tenantId' | 'projectId' | 'specKey'>,
): Promise<BuildSpec | null> {
  const [row] = await sql<BuildSpec>`
    select ${specColumns} from build_specs
    where tenant_id = ${tenantId} and project_id = ${projectId} and spec_key = ${specKey}`;
  return row ?? null;
}
