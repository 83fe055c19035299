import type { BuildFacts, RevisionFacts } from '@eve/domain';
import type { BlobOwner, Records } from '@eve/operations';
import { activeRuns, beyondNewest, releasesNaming } from './build-deletion.ts';
import type { Database } from './connection.ts';
import { part, raw, type SqlPart } from './sql.ts';

type Retention = Records['retention'];

/** What is there, and what needs it. */
export function retention({ sql }: Database): Retention {
  return {
    projects: () => sql`
      select projects.tenant_id as "tenantId", projects.id as "projectId",
        organisations.slug || '/' || projects.slug || '/' as prefix
      from projects join organisations on organisations.id = projects.tenant_id order by projects.id`,

    revisions: (tenantId, of) => sql<RevisionFacts>`
      select revisions.id, environment_id as "environmentId", number, release_id as "releaseId",
        exists (select from deploys where revision_id = revisions.id and deploys.status = 'healthy') as "wasHealthy",
        coalesce(current_revision_id = revisions.id, false) as "isCurrent",
        exists (
          select from deploys
          where revision_id = revisions.id
            and (deploys.completed_at is null or exists (
              select from endpoints where endpoints.environment_id = revisions.environment_id and deploy_id = deploys.id))
        ) as "isBusy"
      from revisions join environments on environments.id = environment_id
      where revisions.tenant_id = ${tenantId} and ${
        'projectId' in of
          ? part`revisions.project_id = ${of.projectId}`
          : part`revisions.environment_id = ${of.environmentId}`
      }
      order by environment_id, number desc`,

    releases: (tenantId, projectId) => sql`
      with busy as (
        select coalesce(string_agg(concat(pipeline_runs.inputs, steps.inputs, steps.output), ' '), '') as said
        from pipeline_runs left join steps on steps.run_id = pipeline_runs.id
        where pipeline_runs.tenant_id = ${tenantId} and pipeline_runs.project_id = ${projectId}
          and pipeline_runs.completed_at is null
      )
      select id, tag, version, images, local, created_at as "createdAt", blocked_by as "blockedBy",
        exists (select from revisions where release_id = releases.id) as "hasRun", strpos(said, id) > 0 as "isBusy"
      from busy, releases left join release_blocks on release_id = releases.id
      where releases.tenant_id = ${tenantId} and releases.project_id = ${projectId} order by id desc`,

    builds: (tenantId, projectId, { keep, limit }) => sql<BuildFacts>`
      select id, created_at as "createdAt",
        exists (${activeRuns(tenantId, raw('build_specs.id'))}) as "isBusy",
        array(select id from (${releasesNaming(tenantId, raw('build_specs.id'))}) as naming) as releases
      from build_specs
      where ${beyondNewest(tenantId, projectId, keep)}
      order by id limit ${limit}`,

    pushedBy: (digests) => sql`
      select distinct digest, build_id as "buildId" from build_artifacts where digest = any(${digests}::text[])`,

    async repositories() {
      const rows = await sql<{ place: string }>`
        select distinct registry || '/' || repository as place from build_artifacts where registry <> 'eve'`;
      return rows.map(({ place }) => place);
    },

    async lockRelease(tenantId, id) {
      return (await sql`select from releases where id = ${id} and tenant_id = ${tenantId} for update`).length > 0;
    },

    async named(owner, names) {
      const rows = await sql<{ name: string }>`
        select asked.name from unnest(${names}::text[]) as asked (name) where exists (${naming[owner]})`;
      return rows.map(({ name }) => name);
    },
  };
}

const naming: Record<BlobOwner, SqlPart> = {
  source: part`
    select from build_specs
    where project_id = split_part(asked.name, '/', 1) and git_sha = split_part(asked.name, '/', 2)
    union all
    select from releases
    where project_id = split_part(asked.name, '/', 1) and git_sha = split_part(asked.name, '/', 2)`,
  log: part`select from log_archives where key = asked.name`,
  instance_log: part`select from instance_logs where key = asked.name`,
};
