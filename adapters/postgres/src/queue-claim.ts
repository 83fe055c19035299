import type { OrganisationId, ProjectId, WorkId } from '@eve/domain';
import type { ClaimedWork, WorkClass, WorkKind } from '@eve/operations';
import { type Database, errorCode } from './connection.ts';
import { part, type SqlPart } from './sql.ts';

/** What a worker asks for. */
export interface ClaimOptions {
  readonly worker: string;
  readonly classes: readonly WorkClass[];
  readonly leaseMs: number;
}

interface ClaimedRow {
  id: WorkId;
  kind: WorkKind;
  subject_id: string;
  tenant_id: OrganisationId;
  project_id: ProjectId;
  class: WorkClass;
  version: number;
  priority: number;
  exclusive_key: string | null;
  attempt: number;
  fence: number;
}

// Two claimers that met at one exclusive key, or in a circle of locks: one of them has to come again.
const collisions = new Set(['23505', '40P01']);

/**
 * Takes one piece of work. The lane served longest ago goes first, within it the project served longest ago.
 * Never more than the limits: they are checked again on the locked rows, in their newest version.
 */
export async function claim(
  database: Database,
  options: ClaimOptions,
): Promise<{ work: ClaimedWork | null; more: boolean }> {
  try {
    const [row] = await take(database, options);
    if (row) return { work: claimedWork(row), more: true };
    return { work: null, more: await isRunnable(database, options.classes) };
  } catch (error) {
    if (collisions.has(errorCode(error) ?? '')) return { work: null, more: true };
    throw error;
  }
}

// `work` of the alias w that is queued and whose exclusive key nobody has.
const startable: SqlPart = part`
  w.state = 'queued' and (
    w.exclusive_key is null
    or not exists (select from work other where other.exclusive_key = w.exclusive_key and other.state = 'running')
  )`;

// Lanes of the alias l that have room.
const roomy: SqlPart = part`
  (l.max is null or l.running < l.max)
  and not exists (select from capacities c where c.class = l.class and c.running >= c.max)`;

// Whether the lane of the alias l has something to do. With its limit it stays a subquery, which is asked lane by lane:
// as a join it would look into the queue of every lane for each claim.
const busy: SqlPart = part`
  coalesce((
    select true from work w where w.tenant_id = l.tenant_id and w.class = l.class and ${startable} limit 1
  ), false)`;

// More than claim at the same moment: a lane that somebody else has locked is passed over.
const candidates = 10;

// `next` compares with scalar subqueries, not by a join: only then the index gives the order, however long the queue.
function take({ sql }: Database, { worker, classes, leaseMs }: ClaimOptions): Promise<ClaimedRow[]> {
  return sql<ClaimedRow>`
    with candidate as (
      select l.tenant_id, l.class from (
        select l.tenant_id, l.class, l.turn from lanes l
        where l.class = any(${classes}::text[]) and ${roomy}
        order by l.turn offset 0
      ) l
      where ${busy} order by l.turn limit ${candidates}
    ), lane as (
      select l.tenant_id, l.class from lanes l
      where (l.tenant_id, l.class) in (select tenant_id, class from candidate) and ${roomy}
      order by l.turn limit 1
      for no key update of l skip locked
    ), capacity as (
      select c.class from capacities c join lane on lane.class = c.class
      where c.running < c.max
      for no key update of c
    ), project as (
      select p.tenant_id, p.class, p.project_id
      from lane_projects p join lane on lane.tenant_id = p.tenant_id and lane.class = p.class
      where (
          exists (select from capacity)
          or not exists (select from capacities c where c.class = p.class)
        )
        and exists (
          select from work w
          where w.tenant_id = p.tenant_id and w.class = p.class and w.project_id = p.project_id and ${startable}
        )
      order by p.turn limit 1
    ), next as (
      select w.id, w.tenant_id, w.class, w.project_id
      from work w
      where w.tenant_id = (select tenant_id from project) and w.class = (select class from project)
        and w.project_id = (select project_id from project) and ${startable}
      order by w.priority desc, w.run_at, w.id limit 1
      for update of w skip locked
    ), counted_lane as (
      update lanes l
      set turn = nextval('work_turns'), running = l.running + case next.class when 'control' then 0 else 1 end
      from next where l.tenant_id = next.tenant_id and l.class = next.class
    ), counted_project as (
      update lane_projects p set turn = nextval('work_turns') from next
      where p.tenant_id = next.tenant_id and p.class = next.class and p.project_id = next.project_id
    ), counted_capacity as (
      update capacities c set running = c.running + 1 from next where c.class = next.class
    )
    update work
    set state = 'running', worker = ${worker}, attempt = attempt + 1, fence = nextval('work_fences'), since = now(),
        leased_until = now() + ${leaseMs}::float8 * interval '1 millisecond'
    from next where work.id = next.id
    returning work.id, work.kind, work.subject_id, work.tenant_id, work.project_id, work.class, work.version,
              work.priority, work.exclusive_key, work.attempt, work.fence`;
}

async function isRunnable({ sql }: Database, classes: readonly WorkClass[]): Promise<boolean> {
  const [row] = await sql<{ runnable: boolean }>`
    select exists (select from lanes l where l.class = any(${classes}::text[]) and ${roomy} and ${busy}) as runnable`;
  return row?.runnable ?? false;
}

function claimedWork(row: ClaimedRow): ClaimedWork {
  return {
    kind: row.kind,
    id: row.subject_id,
    tenantId: row.tenant_id,
    projectId: row.project_id,
    class: row.class,
    version: row.version,
    priority: row.priority,
    ...(row.exclusive_key !== null && { exclusiveKey: row.exclusive_key }),
    lease: { workId: row.id, fence: row.fence },
    attempt: row.attempt,
  };
}
