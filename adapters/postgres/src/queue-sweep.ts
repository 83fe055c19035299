import { type Database, errorCode } from './connection.ts';
import { freedSlot } from './queue-records.ts';

const perSweep = 500;

/**
 * Makes the sweep of one process. No lease is taken as run out within one lease period after the database started
 * or after this process could not reach it: its holders may have been cut off as well, and get the time to renew.
 */
export function createSweep(
  database: Database,
  wakeWorkers: () => void,
): (options: { leaseMs: number }) => Promise<number> {
  let lastAtMs: number | null = null;
  let quietUntilMs = 0;
  let hasFailed = false;

  async function maySeeLeasesEnd(leaseMs: number): Promise<boolean> {
    const { sql } = database;
    // A server that recovered from the crash of one of its processes keeps its start time, but not its statistics.
    const [times] = await sql<{ now: Date; started: Date }>`
      select now() as now, greatest(pg_postmaster_start_time(), stats_reset) as started from pg_stat_bgwriter`;
    if (!times) return false;
    const nowMs = times.now.getTime();
    const wasAway = hasFailed || (lastAtMs !== null && nowMs - lastAtMs > leaseMs);
    if (wasAway) quietUntilMs = nowMs + leaseMs;
    hasFailed = false;
    lastAtMs = nowMs;
    return nowMs >= Math.max(quietUntilMs, times.started.getTime() + leaseMs);
  }

  return async ({ leaseMs }) => {
    try {
      const mayFree = await maySeeLeasesEnd(leaseMs);
      const runnable = (await queueDue(database)) + (mayFree ? await freeExpired(database) : 0);
      if (runnable > 0) wakeWorkers();
      await forgetAnswers(database);
      return runnable;
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };
}

// An answer is kept for a day, see idempotency.ts.
async function forgetAnswers({ sql }: Database): Promise<void> {
  await sql`
    delete from idempotency_keys
    where ctid = any(array(
      select ctid from idempotency_keys where created_at < now() - interval '24 hours'
      order by created_at limit ${perSweep} for update skip locked
    ))`;
}

async function queueDue({ sql }: Database): Promise<number> {
  const rows = await sql`
    with due as (
      select id from work where state = 'waiting' and run_at <= now()
      order by run_at limit ${perSweep}
      for no key update skip locked
    )
    update work set state = 'queued', since = now(), waiting_reason = null from due where work.id = due.id
    returning work.id`;
  return rows.length;
}

// One statement each: lanes locked by one transaction in the order of leases could meet settling ones head-on.
async function freeExpired(database: Database): Promise<number> {
  const expired = await database.sql<{ id: string; fence: number }>`
    select id, fence from work where state = 'running' and leased_until <= now()
    order by leased_until limit ${perSweep}`;
  let freed = 0;
  for (const { id, fence } of expired) freed += await free(database, id, fence);
  return freed;
}

async function free({ sql }: Database, id: string, fence: number): Promise<number> {
  try {
    const rows = await sql`
      with held as (
        select id, tenant_id, class from work
        where id = ${id} and fence = ${fence} and state = 'running' and leased_until <= now()
        for update skip locked
      ), ${freedSlot}
      update work set state = 'queued', since = now(), worker = null, leased_until = null, again = false
      from held where work.id = held.id
      returning work.id`;
    return rows.length;
  } catch (error) {
    if (errorCode(error) === '40P01') return 0; // The next sweep finds it again.
    throw error;
  }
}
