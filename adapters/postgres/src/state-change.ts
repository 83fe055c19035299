import { type OrganisationId, PlatformError } from '@eve/domain';
import type { Change, Lease } from '@eve/operations';
import type { Database } from './connection.ts';
import { leaseLost } from './queue-records.ts';
import { nothing, part, raw, type SqlPart } from './sql.ts';

/** Carries the id of a record that is new or has changed, once the transaction that changed it is committed. */
export const changedChannel = 'eve_changed';

/** Tables whose records have a state machine, and what the history calls them. */
export type Stateful = 'build_run' | 'deploy' | 'pipeline_run' | 'step';

interface Subject {
  readonly id: string;
  readonly tenantId: OrganisationId;
  readonly status: string;
}

/** Puts a new record and the beginning of its history, in one statement. */
export async function insertStateful(
  { sql }: Database,
  kind: Stateful,
  { id, tenantId, status }: Subject,
  { actor, at, insert }: { actor: string | null; at: Date; insert: SqlPart },
): Promise<void> {
  await sql`
    with inserted as (${insert}),
    logged as (
      insert into transitions (tenant_id, subject_kind, subject_id, from_state, to_state, event, actor, at)
      values (${tenantId}, ${kind}, ${id}, null, ${status}, 'create', ${actor ?? 'system'}, ${at})
      returning subject_id
    )
    select pg_notify(${changedChannel}, subject_id) from logged`;
}

/** Writes a state only from the one that was read, only under a lease that still holds, together with its history. */
export async function changeState<Status extends string>(
  { sql }: Database,
  kind: Stateful,
  { id, tenantId, status }: Subject,
  { was, event, actor, lease }: Change<Status>,
  { set, and = nothing }: { set: SqlPart; and?: SqlPart },
): Promise<void> {
  const table = raw(`${kind}s`);
  const [found] = await sql<{ held: boolean; changed: boolean; exists: boolean }>`
    with held as (${leaseHeld(lease)}),
    changed as (
      update ${table} set status = ${status}, ${set}
      where id = ${id} and tenant_id = ${tenantId} and status = ${was} and exists (select from held) ${and}
      returning id, tenant_id
    ),
    logged as (
      insert into transitions (tenant_id, subject_kind, subject_id, from_state, to_state, event, actor, at)
      select tenant_id, ${kind}, id, ${was}, ${status}, ${event}, ${actor}, clock_timestamp() from changed
      returning subject_id
    )
    select exists (select from held) as held, exists (select from changed) as changed,
      exists (select from ${table} where id = ${id} and tenant_id = ${tenantId}) as "exists",
      (select pg_notify(${changedChannel}, subject_id) from logged)`;
  if (found?.changed) return;
  if (lease && !found?.held) throw leaseLost(lease);
  throw changedMeanwhile(kind, id, found?.exists ? `it is no longer ${was}` : 'it is gone');
}

/** Writes something of a record that is not its state, under a lease that still holds. */
export async function writeUnderLease({ sql }: Database, lease: Lease | null, write: SqlPart): Promise<number> {
  const [found] = await sql<{ held: boolean; written: number }>`
    with held as (${leaseHeld(lease)}), written as (${write})
    select exists (select from held) as held, (select count(*) from written) as written`;
  if (lease && !found?.held) throw leaseLost(lease);
  return found?.written ?? 0;
}

/** One row while the lease holds. The lock keeps others from taking the work over until our transaction ends; heartbeats go on. */
function leaseHeld(lease: Lease | null): SqlPart {
  if (lease === null) return part`select 1`;
  return part`
    select 1 from work
    where id = ${lease.workId} and fence = ${lease.fence} and state = 'running' and leased_until > clock_timestamp()
    for key share`;
}

/** Records that an end was asked for: the state stays what it is. */
export async function logCancelRequest(
  { sql }: Database,
  kind: Stateful,
  { id, tenantId, status }: Subject,
  actor: string,
  at: Date,
): Promise<void> {
  await sql`
    with logged as (
      insert into transitions (tenant_id, subject_kind, subject_id, from_state, to_state, event, actor, at)
      values (${tenantId}, ${kind}, ${id}, ${status}, ${status}, 'request_cancel', ${actor}, ${at})
      returning subject_id
    )
    select pg_notify(${changedChannel}, subject_id) from logged`;
}

/** Tells whoever watches this record that something of it is new. */
export function notifyChanged(id: string): SqlPart {
  return part`pg_notify(${changedChannel}, ${id})`;
}

/** The answer to whoever writes from a state that is no more. */
export function changedMeanwhile(kind: string, id: string, how: string): PlatformError {
  return new PlatformError('record_changed', `The ${kind.replaceAll('_', ' ')} ${id} was changed meanwhile: ${how}.`);
}
