import type { OrganisationId } from '@eve/domain';
import type { Pool } from '../src/connection.ts';

/** Something that happened to a work, in the order in which the database had it. */
interface ClaimEvent {
  readonly tenantId: OrganisationId;
  readonly subject: string;
  readonly event: 'queued' | 'started' | 'ended';
}

/** What of the queue happened, reconstructed from every change of a row. */
export interface ClaimLog {
  readonly events: readonly ClaimEvent[];
  /** The most that ran at once of each tenant, and of all. */
  readonly peaks: ReadonlyMap<OrganisationId | 'all', number>;
  /** How often each record's work was started. */
  readonly starts: ReadonlyMap<string, number>;
}

// Written under the lock of the lane: after whatever gave the slot back, before whatever takes the next.
const recording = `
  create table claim_log (
    sequence bigint generated always as identity primary key,
    tenant_id text not null, subject text not null, event text not null
  );
  create function log_claims() returns trigger language plpgsql as $$
  declare
    was text := case when tg_op = 'INSERT' then null else old.state end;
    becomes text := case when tg_op = 'DELETE' then null else new.state end;
    of work := case when tg_op = 'DELETE' then old else new end;
  begin
    if was = 'running' and becomes is distinct from 'running' then
      insert into claim_log (tenant_id, subject, event) values (of.tenant_id, of.subject_id, 'ended');
    end if;
    if becomes is distinct from was and becomes in ('queued', 'running') then
      insert into claim_log (tenant_id, subject, event)
      values (of.tenant_id, of.subject_id, case becomes when 'queued' then 'queued' else 'started' end);
    end if;
    return null;
  end $$;
  create trigger claims after insert or update or delete on work for each row execute function log_claims();
  alter table lanes add constraint never_more check (max is null or running <= max);
  alter table capacities add constraint never_more check (running <= max);
`;

/** Records every claim from now on, and has the database refuse more than a limit allows. */
export async function recordClaims(pool: Pool): Promise<void> {
  await pool.query(recording);
}

/** Reads what was recorded. */
export async function readClaimLog(pool: Pool): Promise<ClaimLog> {
  const { rows } = await pool.query<ClaimEvent>(
    'select tenant_id as "tenantId", subject, event from claim_log order by sequence',
  );
  const running = new Map<OrganisationId | 'all', number>();
  const peaks = new Map<OrganisationId | 'all', number>();
  const starts = new Map<string, number>();
  for (const { tenantId, subject, event } of rows) {
    if (event === 'started') starts.set(subject, (starts.get(subject) ?? 0) + 1);
    if (event === 'queued') continue;
    for (const key of [tenantId, 'all'] as const) {
      const now = (running.get(key) ?? 0) + (event === 'started' ? 1 : -1);
      running.set(key, now);
      peaks.set(key, Math.max(peaks.get(key) ?? 0, now));
    }
  }
  return { events: rows, peaks, starts };
}

/**
 * For each tenant the most starts of others that it had to see between the moment when it had work and room, and its
 * own next start. Taking turns, a tenant's fair share is one of as many starts as there are tenants.
 */
export function longestWaits(
  { events }: Pick<ClaimLog, 'events'>,
  limits: ReadonlyMap<OrganisationId, number>,
  queued: ReadonlyMap<OrganisationId, number> = new Map(),
): Map<OrganisationId, number> {
  const tenants = new Map(
    [...limits].map(([id, max]) => [id, { max, queued: queued.get(id) ?? 0, running: 0, seen: 0, longest: 0 }]),
  );
  for (const { tenantId, event } of events) {
    const own = tenants.get(tenantId);
    if (!own) throw new Error(`The limit of ${tenantId} is not known.`);
    const wasReady = own.queued > 0 && own.running < own.max;
    if (event === 'queued') own.queued++;
    else if (event === 'ended') own.running--;
    else {
      own.longest = Math.max(own.longest, own.seen);
      for (const other of tenants.values()) {
        if (other !== own && other.queued > 0 && other.running < other.max) other.seen++;
      }
      own.queued--;
      own.running++;
    }
    if (event === 'started' || !wasReady) own.seen = 0;
  }
  return new Map([...tenants].map(([id, { longest, seen }]) => [id, Math.max(longest, seen)]));
}
