import type { BuildId } from '@eve/domain';
import type { BenchDatabase } from './database.ts';

type Tenant = Awaited<ReturnType<BenchDatabase['tenant']>>;

/** How long ago the first build was made. The last one is of just now. */
export const days = 100;

const builds = 300_000;
const runsOfBusy = 100_000;
export const runs = 3 * builds + runsOfBusy;

/** Two commits: a third of the project's builds are of the first, six of the second. */
export const commits = { common: 'c'.repeat(40), rare: (1000).toString(16).padStart(40, '0') };

/** Ids as they are made elsewhere: ten digits of time, then what tells them apart. */
const made = `
  create function pg_temp.digits(at timestamptz, number bigint) returns text language sql immutable as $$
    select string_agg(
      substr('0123456789abcdefghjkmnpqrstvwxyz', ((extract(epoch from at) * 1000)::bigint >> (5 * place) & 31)::int + 1, 1),
      '' order by place desc) || '7' || lpad(to_hex(number), 15, '0')
    from generate_series(0, 9) as place $$;
  create temporary table made as
    select number, at, pg_temp.digits(at, number) as digits,
      case when number % 3 = 0 then '${commits.common}' else lpad(to_hex(number / 10), 40, '0') end as sha,
      case
        when number % 10 = 9 then array['rare']
        when number < ${builds / 10} and number % 1000 = 1 then array['rare']
        when number % 5000 = 2 then null
        when number % 10 in (4, 5) then array['api']
        when number % 10 = 6 then array['api', 'web']
        else array['web']
      end as services,
      case
        when number % 10 = 9 then 'cancelled'
        when number < ${builds / 10} and number % 1000 = 0 then 'cancelled'
        when number > ${builds - 10_000} and number % 500 = 0 then 'pending'
        when number % 10 = 3 then 'failed'
        else 'completed'
      end as status,
      case when number % 10 = 9 then 2 else 1 end as owner
    from (
      select number, now() - '${days} days'::interval * (1 - number / ${builds}.0) as at
      from generate_series(0, ${builds - 1}) as number) as numbered;
  create temporary table owners (owner integer, tenant_id text, project_id text);`;

const filled = `
  insert into build_specs (id, tenant_id, project_id, number, source, target, git_sha, manifest_hash, services, spec_key,
    created_at)
    select 'bld_' || digits, tenant_id, project_id, number + 1, jsonb_build_object('kind', 'git', 'sha', sha), 'image',
      sha, sha, services, digits, at
    from made join owners using (owner) order by number;
  insert into build_runs (id, tenant_id, project_id, build_id, status, failure, backend, notes, attempt, created_at,
    started_at, completed_at)
    select id, tenant_id, project_id, 'bld_' || digits, state, case when state = 'failed' then '{}'::jsonb end, 'buildx',
      '{}', 1, at, at, case when state <> 'pending' then at end
    from made join owners using (owner)
    cross join lateral (values
      ('brun_' || overlay(digits placing '5' from 11 for 1), 'cancelled'),
      ('brun_' || overlay(digits placing '6' from 11 for 1), 'failed'),
      ('brun_' || digits, status)) as run (id, state)
    order by number;
  insert into build_heads (build_id, service, project_id, git_sha, status, run_id, created_at)
    select 'bld_' || digits, service, project_id, sha, status, 'brun_' || digits, at
    from made join owners using (owner) cross join unnest(array['*'] || coalesce(services, array[''])) as service
    order by number;
  -- The second build is carried out again and again.
  insert into build_runs (id, tenant_id, project_id, build_id, status, backend, notes, attempt, created_at, started_at,
    completed_at)
    select 'brun_' || pg_temp.digits(now(), turn), tenant_id, project_id, 'bld_' || digits, status, 'buildx', '{}', 1,
      now(), now(), now()
    from made join owners using (owner) cross join generate_series(1, ${runsOfBusy}) as turn
    where number = 1 order by turn;
  update build_heads set run_id = 'brun_' || pg_temp.digits(now(), ${runsOfBusy})
    where build_id = (select 'bld_' || digits from made where number = 1);`;

/**
 * Fills the tables, nine of ten builds in the first project, and answers the id of one with very many runs. What is rare
 * in that project lies in its oldest tenth, and is common in the other.
 */
export async function fillBuilds({ pool }: BenchDatabase, mine: Tenant, other: Tenant): Promise<BuildId> {
  const client = await pool.connect();
  try {
    // The rows are right as they are: what triggers and references would check is left out, which takes most of the time.
    await client.query("set session_replication_role = replica; set work_mem = '256MB'");
    await client.query(made);
    await client.query('insert into owners values (1, $1, $2), (2, $3, $4)', [
      mine.tenantId,
      mine.projectId,
      other.tenantId,
      other.projectId,
    ]);
    await client.query('begin');
    await client.query(filled);
    await client.query('commit');
    await client.query('vacuum analyze build_specs, build_heads, build_runs');
    const { rows } = await client.query<{ id: BuildId }>("select 'bld_' || digits as id from made where number = 1");
    const [busy] = rows;
    if (!busy) throw new Error('Nothing was made.');
    return busy.id;
  } finally {
    client.release(true);
  }
}
