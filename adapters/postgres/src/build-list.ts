import { type BuildRunStatus, encodeId, type OrganisationId, type ProjectId, uuidV7 } from '@eve/domain';
import type { Listed, ListedBuild, Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { paged } from './paging.ts';
import { nothing, part, raw, type SqlPart } from './sql.ts';

/** What a build spec is read as. */
export const specColumns = raw(
  'id, tenant_id as "tenantId", project_id as "projectId", number, source, target, git_sha as "gitSha", manifest_hash as "manifestHash", services, inputs, registry, cache, spec_key as "specKey", created_by as "createdBy", created_at as "createdAt"',
);

type Filters = Parameters<Records['buildSpecs']['list']>[2];

/** What stands for the build itself among its services, for every service, and for the status before the first run. */
const [itself, everyService, neverRan] = ['*', '', 'none'];
const statuses = [neverRan, 'pending', 'building', 'completed', 'failed', 'cancelled'] satisfies (
  | BuildRunStatus
  | typeof neverRan
)[];

/**
 * A page of a project's builds, merged from ranges of one index: one for each status and service that may be in it.
 * Each range is read no further than the page reaches, whatever the planner believes of how common it is.
 */
export function listBuilds(
  { sql }: Database,
  tenantId: OrganisationId,
  projectId: ProjectId,
  { gitSha, status, service, since, ...page }: Filters,
): Promise<Listed<ListedBuild>> {
  const ofSha = gitSha === undefined ? nothing : part`and git_sha = ${gitSha}`;
  const recent = since === undefined ? nothing : part`and created_at >= ${since} and build_id >= ${idsFrom(since)}`;
  const covering = service === undefined ? [itself] : [service, everyService];
  return paged(page, ({ before, count, offset }) => {
    const older = before === null ? nothing : part`and build_id < ${before}`;
    const ranges = covering.flatMap((name) =>
      (status === undefined ? statuses : [status]).map(
        (state) => part`(
          select build_id, status as last_status from build_heads
          where project_id = ${projectId} and service = ${name} and status = ${state} ${ofSha} ${recent} ${older}
          order by build_id desc limit ${offset + count})`,
      ),
    );
    // The inner limit keeps the planner from joining the two in another way than build by build.
    return sql<ListedBuild>`
      select ${specColumns}, nullif(last_status, ${neverRan}) as "lastStatus"
      from (
        select * from (${allOf(ranges)}) as heads order by build_id desc limit ${count} offset ${offset}) as page
      cross join lateral (
        select * from build_specs where build_specs.id = build_id and tenant_id = ${tenantId} limit 1) as spec
      order by id desc`;
  });
}

function allOf(ranges: readonly SqlPart[]): SqlPart {
  return ranges.reduce((all, range) => part`${all} union all ${range}`);
}

/** Ids sort by time, so that a list from a time on ends there. A clock may have been a minute wrong. */
function idsFrom(since: Date): string {
  return encodeId('bld', uuidV7(Math.max(0, since.getTime() - 60_000), new Uint8Array(10)));
}
