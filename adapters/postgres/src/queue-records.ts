import { randomBytes } from 'node:crypto';
import { encodeId, PlatformError, uuidV7 } from '@eve/domain';
import type { Lease, LimitedClass, QueueRecords, WaitingReason } from '@eve/operations';
import { cancelChannel, workChannel } from './channels.ts';
import type { Database } from './connection.ts';
import { laneLimits } from './lane-limits.ts';
import { part, type SqlPart } from './sql.ts';

/** The queue's part in transactions of records. */
export function queueRecords(database: Database): QueueRecords {
  const { sql } = database;
  return {
    async add({ kind, id, tenantId, projectId, class: workClass, version, priority = 0, exclusiveKey = null }) {
      const workId = encodeId('work', uuidV7(Date.now(), randomBytes(10)));
      await sql`
        with lane as (
          insert into lanes (tenant_id, class, max)
          select id, ${workClass}, (${JSON.stringify(laneLimits[workClass])}::jsonb ->> tier)::integer
          from organisations where id = ${tenantId}
          on conflict do nothing
        ), project as (
          insert into lane_projects (tenant_id, class, project_id)
          values (${tenantId}, ${workClass}, ${projectId})
          on conflict do nothing
        ), added as (
          insert into work (id, kind, subject_id, tenant_id, project_id, class, version, priority, exclusive_key)
          values (${workId}, ${kind}, ${id}, ${tenantId}, ${projectId}, ${workClass}, ${version}, ${priority}, ${exclusiveKey})
          on conflict (kind, subject_id) do update set
            again = work.state = 'running',
            state = case work.state when 'running' then 'running' else 'queued' end,
            run_at = case work.state when 'running' then work.run_at else now() end,
            since = case work.state when 'waiting' then now() else work.since end,
            waiting_reason = null
          returning id
        )
        select pg_notify(${workChannel}, '') from added`;
    },

    async settle(lease) {
      const rows = await sql`
        with held as (${held(lease)}), ${freedSlot}, ended as (
          delete from work using held where work.id = held.id and not held.again
        ), repeated as (
          update work
          set state = 'queued', again = false, cancel_requested = false, attempt = 0, run_at = now(),
              since = now(), worker = null, leased_until = null
          from held where work.id = held.id and held.again
        )
        select case when held.again then pg_notify(${workChannel}, '') end from held`;
      if (rows.length === 0) throw leaseLost(lease);
    },

    async requeue(lease, delayMs, reason) {
      const rows = await requeue(database, lease, delayMs, reason);
      if (rows.length === 0) throw leaseLost(lease);
    },

    async cancel(kind, id) {
      const [answer] = await sql<{ state: string }>`
        with found as (
          select id, state from work where kind = ${kind} and subject_id = ${id} for no key update
        ), removed as (
          delete from work using found where work.id = found.id and found.state <> 'running'
        ), signalled as (
          update work set cancel_requested = true from found where work.id = found.id and found.state = 'running'
        )
        select state, case state when 'running' then pg_notify(${cancelChannel}, id) end from found`;
      if (!answer) return 'none';
      return answer.state === 'running' ? 'signalled' : 'removed';
    },

    async setLane(tenantId, workClass, max) {
      await sql`
        with lane as (
          insert into lanes (tenant_id, class, max) values (${tenantId}, ${workClass}, ${max})
          on conflict (tenant_id, class) do update set max = excluded.max
        )
        select pg_notify(${workChannel}, '')`;
    },
  };
}

/** Sets what all tenants together may run of a class; null: as much as their lanes allow. */
export async function setCapacity(database: Database, workClass: LimitedClass, max: number | null): Promise<void> {
  const [set] = await database.sql<{ max: number }>`select max from capacities where class = ${workClass}`;
  if ((set?.max ?? null) === max) return;
  await database.transaction(async ({ sql }) => {
    // Nothing may start or end between counting what runs and the first claim that counts itself.
    await sql`lock table work in share row exclusive mode`;
    if (max === null) await sql`delete from capacities where class = ${workClass}`;
    else {
      await sql`
        insert into capacities (class, max, running)
        select ${workClass}, ${max}::integer, count(*) from work where class = ${workClass} and state = 'running'
        on conflict (class) do update set max = excluded.max`;
    }
    await sql`select pg_notify(${workChannel}, '')`;
  });
}

/** A condition for statements that may write only while the lease holds; nobody takes the work over before they end. */
export function leaseHolds({ workId, fence }: Lease): SqlPart {
  return part`exists (
    select from work
    where id = ${workId} and fence = ${fence} and state = 'running' and leased_until > clock_timestamp()
    for key share
  )`;
}

/** What is thrown at a worker whose work somebody else may have by now. */
export function leaseLost({ workId }: Lease): PlatformError {
  return new PlatformError('lease_lost', `The lease on ${workId} is gone: another worker may have the work.`);
}

// The row as it is now, not as the statement's snapshot has it: a second `add` may just have asked for a repetition.
function held({ workId, fence }: Lease): SqlPart {
  return part`
    select id, tenant_id, class, again from work
    where id = ${workId} and fence = ${fence} and state = 'running' and leased_until > clock_timestamp()
    for update`;
}

/** Gives back the slot of the work in `held`. Locks work, lane, capacity in this order, as claims do. */
export const freedSlot: SqlPart = part`
  freed_lane as (
    update lanes set running = running - 1 from held
    where lanes.tenant_id = held.tenant_id and lanes.class = held.class and held.class <> 'control'
    returning lanes.class
  ), freed_capacity as (
    update capacities set running = running - 1 from freed_lane where capacities.class = freed_lane.class
  )`;

// A retry counts as one more attempt; whoever waits for something else has not failed.
function requeue({ sql }: Database, lease: Lease, delayMs: number, reason: WaitingReason) {
  return sql`
    with held as (${held(lease)}), ${freedSlot}, given_back as (
      update work
      set state = case when held.again or ${delayMs}::float8 <= 0 then 'queued' else 'waiting' end,
          waiting_reason = case when held.again or ${delayMs}::float8 <= 0 then null else ${reason} end,
          run_at = case when held.again then now() else now() + ${delayMs}::float8 * interval '1 millisecond' end,
          attempt = case when ${reason} = 'retry_delay' then attempt else 0 end,
          since = now(), again = false, worker = null, leased_until = null
      from held where work.id = held.id
      returning state
    )
    select case state when 'queued' then pg_notify(${workChannel}, '') end from given_back`;
}
