import type { OrganisationId } from '@eve/domain';
import type {
  CapacityState,
  LaneState,
  QueuedWork,
  QueuePage,
  QueuePosition,
  WorkClass,
  WorkKind,
} from '@eve/operations';
import type { Database } from './connection.ts';
import { invalid } from './paging.ts';
import { nothing, part, type SqlPart } from './sql.ts';

const longestPage = 100;

/** Where a work stands among what its tenant has in its class; null when it runs or there is none. */
export async function position({ sql }: Database, kind: WorkKind, id: string): Promise<QueuePosition | null> {
  const [row] = await sql<{ reason: QueuePosition['reason']; position: number; runAt: Date | null }>`
    with wanted as (select * from work where kind = ${kind} and subject_id = ${id} and state <> 'running'),
    ${placed(part`
      w.tenant_id = (select tenant_id from wanted) and w.class = (select class from wanted)`)}
    select ${reason} as reason, place.position, case w.state when 'waiting' then w.run_at end as "runAt"
    from place join wanted w on w.id = place.id
    join lanes l on l.tenant_id = w.tenant_id and l.class = w.class`;
  if (!row) return null;
  const { runAt, ...place } = row;
  return runAt === null ? place : { ...place, runAt };
}

/** What has not ended, of one tenant or of all, with the limits that it waits for. */
export async function list(
  database: Database,
  tenantId: OrganisationId | null,
  { classes, limit, cursor }: { classes: readonly WorkClass[]; limit: number; cursor?: string },
): Promise<QueuePage> {
  if (!Number.isInteger(limit) || limit < 1) throw invalid('limit', 'must be at least 1');
  const most = Math.min(limit, longestPage);
  const offset = cursor === undefined ? 0 : readCursor(cursor);
  const [items, lanes, capacities] = await Promise.all([
    works(database, tenantId, classes, { limit: most + 1, offset }),
    laneStates(database, tenantId, classes),
    database.sql<CapacityState>`select class, max, running from capacities where class = any(${classes}::text[])`,
  ]);
  const nextCursor = items.length > most ? writeCursor(offset + most) : null;
  return { items: items.slice(0, most), nextCursor, lanes, capacities };
}

function works(
  { sql }: Database,
  tenantId: OrganisationId | null,
  classes: readonly WorkClass[],
  { limit, offset }: { limit: number; offset: number },
): Promise<QueuedWork[]> {
  const asked = part`w.class = any(${classes}::text[]) ${ofTenant(part`w.tenant_id`, tenantId)}`;
  return sql<QueuedWork>`
    with ${placed(asked)}, listed as (
      select id, null::integer as position from work w where state = 'running' and ${asked}
      union all
      select id, position from place
    )
    select w.id as "workId", w.kind, w.subject_id as id, w.tenant_id as "tenantId", w.project_id as "projectId",
           w.class, w.state, ${reason} as reason, listed.position, w.priority, w.attempt,
           w.created_at as "createdAt", w.since, w.run_at as "runAt", w.worker
    from listed join work w on w.id = listed.id
    join lanes l on l.tenant_id = w.tenant_id and l.class = w.class
    order by listed.position nulls first, w.class, w.since, w.id
    limit ${limit} offset ${offset}`;
}

function laneStates(
  { sql }: Database,
  tenantId: OrganisationId | null,
  classes: readonly WorkClass[],
): Promise<LaneState[]> {
  return sql<LaneState>`
    with counted as (
      select w.tenant_id, w.class,
             count(*) filter (where w.state = 'running')::integer as running,
             count(*) filter (where w.state = 'queued')::integer as queued,
             count(*) filter (where w.state = 'waiting')::integer as waiting
      from work w where w.class = any(${classes}::text[]) ${ofTenant(part`w.tenant_id`, tenantId)}
      group by w.tenant_id, w.class
    )
    select l.tenant_id as "tenantId", l.class, l.max, coalesce(c.running, 0) as running,
           coalesce(c.queued, 0) as queued, coalesce(c.waiting, 0) as waiting
    from lanes l left join counted c on c.tenant_id = l.tenant_id and c.class = l.class
    where l.class = any(${classes}::text[]) ${ofTenant(part`l.tenant_id`, tenantId)}
      -- Of all tenants only those that have something here; a tenant's own limits are told in any case.
      and (${tenantId}::text is not null or c.class is not null)
    order by l.tenant_id, l.class`;
}

function ofTenant(column: SqlPart, tenantId: OrganisationId | null): SqlPart {
  return tenantId === null ? nothing : part`and ${column} = ${tenantId}`;
}

/**
 * `place (id, position)`: the order in which claims come to what `which` says of the alias w, per class: lanes take
 * turns, inside each its projects. What waits for its time comes after. Nobody knows who ends first: with limits that
 * are reached it is the order among those that wait for the same.
 */
function placed(which: SqlPart): SqlPart {
  return part`
    in_project as (
      select w.id, w.tenant_id, w.class, w.project_id, row_number() over (
        partition by w.tenant_id, w.class, w.project_id order by w.priority desc, w.run_at, w.id
      ) as round
      from work w where w.state = 'queued' and ${which}
    ), in_lane as (
      select q.id, q.tenant_id, q.class, row_number() over (
        partition by q.tenant_id, q.class order by q.round, p.turn, p.project_id
      ) as round
      from in_project q
      join lane_projects p on p.tenant_id = q.tenant_id and p.class = q.class and p.project_id = q.project_id
    ), place as (
      select q.id, row_number() over (partition by q.class order by q.round, l.turn, l.tenant_id)::integer as position
      from in_lane q join lanes l on l.tenant_id = q.tenant_id and l.class = q.class
      union all
      select w.id, row_number() over (partition by w.class order by w.run_at, w.id)::integer
        + (select count(*)::integer from in_project q where q.class = w.class)
      from work w where w.state = 'waiting' and ${which}
    )`;
}

// Of the work w in the lane l.
const reason: SqlPart = part`
  case
    when w.state = 'running' then null
    when w.state = 'waiting' then w.waiting_reason
    when w.exclusive_key is not null and exists (
      select from work other where other.exclusive_key = w.exclusive_key and other.state = 'running'
    ) then 'lock'
    when l.running >= l.max then 'tenant_limit'
    when exists (select from capacities c where c.class = w.class and c.running >= c.max) then 'builder_capacity'
    else 'free_worker'
  end`;

function writeCursor(offset: number): string {
  return Buffer.from(`queue ${offset}`).toString('base64url');
}

function readCursor(cursor: string): number {
  const [, offset] = /^queue (\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (offset === undefined || writeCursor(Number(offset)) !== cursor)
    throw invalid('cursor', 'is none that a list gave');
  return Number(offset);
}
