import { type BuildId, type OrganisationId, PlatformError, type ProjectId } from '@eve/domain';
import type { Database } from './connection.ts';
import { part, raw, type SqlPart } from './sql.ts';

/** Builds beyond the newest `keep` that nothing needs, oldest first. */
export async function prunable(
  { sql }: Database,
  tenantId: OrganisationId,
  projectId: ProjectId,
  keep: number,
): Promise<readonly BuildId[]> {
  const rows = await sql<{ id: BuildId }>`
    select id from build_specs
    where ${beyondNewest(tenantId, projectId, keep)} and not exists (${activeRuns(tenantId, raw('build_specs.id'))})
      and not exists (${releasesNaming(tenantId, raw('build_specs.id'))})
    order by id limit 100`;
  return rows.map(({ id }) => id);
}

/** Of `build_specs`: those of a project that are not among its newest. */
export function beyondNewest(tenantId: OrganisationId, projectId: ProjectId, keep: number): SqlPart {
  return part`
    tenant_id = ${tenantId} and project_id = ${projectId} and id <= (
      select id from build_specs where tenant_id = ${tenantId} and project_id = ${projectId}
      order by id desc offset ${keep} limit 1)`;
}

/** Inside a transaction: the lock on the build's row keeps new runs and releases of it away until it is gone. */
export async function deleteBuild(inside: Database, tenantId: OrganisationId, id: BuildId): Promise<void> {
  const { sql } = inside;
  const [spec] = await sql<{ projectId: ProjectId }>`
    select project_id as "projectId" from build_specs where id = ${id} and tenant_id = ${tenantId} for update`;
  if (!spec) throw new PlatformError('build_not_found', `There is no build ${id}.`);
  await refuseActive(inside, tenantId, id);
  await refuseReleased(inside, tenantId, id);

  await sql`select set_config('eve.allow_delete', 'on', true)`;
  await sql`
    delete from build_artifacts
    where run_id in (select id from build_runs where tenant_id = ${tenantId} and build_id = ${id})`;
  await sql`delete from build_runs where tenant_id = ${tenantId} and build_id = ${id}`;
  await sql`delete from build_specs where id = ${id}`;
  await sql`select set_config('eve.allow_delete', 'off', true)`;
  await sql`update projects set deleted_builds = deleted_builds + 1 where id = ${spec.projectId}`;
}

async function refuseActive({ sql }: Database, tenantId: OrganisationId, id: BuildId): Promise<void> {
  const [active] = await sql<{ id: string }>`${activeRuns(tenantId, part`${id}`)} limit 1`;
  if (active)
    throw new PlatformError('build_active', `Run ${active.id} or its pipeline is under way: cancel it first.`);
}

async function refuseReleased({ sql }: Database, tenantId: OrganisationId, id: BuildId): Promise<void> {
  const releases = await sql<{ name: string }>`${releasesNaming(tenantId, part`${id}`)} order by name limit 11`;
  if (releases.length === 0) return;
  const names = releases.slice(0, 10).map(({ name }) => name);
  const more = releases.length > 10 ? ' and others' : '';
  throw new PlatformError('build_in_use', `Build ${id} stays: its images are in ${names.join(', ')}${more}.`);
}

/** Runs that are not over, that a worker still holds, or whose pipeline goes on with what they made. */
export function activeRuns(tenantId: OrganisationId, buildId: SqlPart): SqlPart {
  return part`
    select runs.id from build_runs as runs
    where runs.tenant_id = ${tenantId} and runs.build_id = ${buildId}
      and (runs.status in ('pending', 'building')
        or exists (select from work where kind = 'execute-build-run' and subject_id = runs.id)
        or exists (
          select from steps join pipeline_runs on pipeline_runs.id = run_id
          where steps.tenant_id = runs.tenant_id and subject_id = runs.id and pipeline_runs.completed_at is null))`;
}

/** Releases made from the build, or naming any image that it pushed. */
export function releasesNaming(tenantId: OrganisationId, buildId: SqlPart): SqlPart {
  return part`
    select id, coalesce(tag, id) as name from releases where tenant_id = ${tenantId} and releases.build_id = ${buildId}
    union
    select releases.id, coalesce(tag, releases.id) from build_runs as runs
    join build_artifacts as pushed on pushed.run_id = runs.id
    join releases on releases.tenant_id = runs.tenant_id and releases.project_id = runs.project_id
      and jsonb_path_query_array(digests, '$.*') ? pushed.digest
    where runs.tenant_id = ${tenantId} and runs.build_id = ${buildId}`;
}
