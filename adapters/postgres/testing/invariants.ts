import { buildRunTransitions, deployTransitions, pipelineRunTransitions, stepTransitions } from '@eve/domain';
import { errorCode, type Pool } from '../src/connection.ts';
import { buildInvariants, type Invariant } from './build-invariants.ts';

/** What must always hold, as far as SQL can see it: one sentence for each break, none when all is well. */
export async function checkInvariants(pool: Pool): Promise<string[]> {
  const broken: string[] = [];
  for (const invariant of invariants) broken.push(...(await check(pool, invariant)));
  return [...broken, ...(await brokenPaths(pool))];
}

async function check(pool: Pool, { number, sentence, sql }: Invariant): Promise<string[]> {
  try {
    const { rows } = await pool.query<{ thing: string }>(sql);
    return rows.map(({ thing }) => `${number}. ${sentence}: ${thing}`);
  } catch (error) {
    if (errorCode(error) === '42P01') return []; // a table of a later migration
    throw error;
  }
}

const unfinished = {
  build_runs: "status in ('pending', 'building')",
  deploys: "status in ('pending', 'deploying')",
  pipeline_runs: "status in ('pending', 'running')",
};

const invariants: readonly Invariant[] = [
  ...buildInvariants,
  {
    number: 1,
    sentence: 'the database refuses changes',
    sql: `
      select expected as thing
      from unnest(array['build_specs', 'build_artifacts', 'releases', 'revisions', 'config_versions', 'manifests',
        'transitions']) as expected
      where not exists (
        select from pg_trigger where tgrelid = expected::regclass and tgname = 'immutable' and tgenabled = 'O')`,
  },
  {
    number: 1,
    sentence: 'numbers of build_specs are without gaps, but for those that were deleted',
    sql: `
      select projects.id as thing from projects left join build_specs on project_id = projects.id
      group by projects.id
      having count(build_specs.id) + deleted_builds <> last_build_number or max(number) > last_build_number`,
  },
  ...[
    ['revisions', 'environment_id', 'environments', 'last_revision_number'],
    ['config_versions', 'environment_id', 'environments', 'last_config_number'],
  ].map(([table, owner, owners, counter]) => ({
    number: 1,
    sentence: `numbers of ${table} are without gaps`,
    sql: `
      select ${owners}.id as thing from ${owners} left join ${table} on ${table}.${owner} = ${owners}.id
      group by ${owners}.id
      having count(${table}.id) <> ${owners}.${counter} or coalesce(max(number), 0) <> ${owners}.${counter}`,
  })),
  ...['build_runs', 'deploys', 'pipeline_runs', 'steps'].map((table) => ({
    number: 2,
    sentence: `a final state of ${table} has both ends of its time`,
    sql: `
      select id as thing from ${table}
      where status in ('completed', 'failed', 'cancelled', 'healthy', 'superseded', 'succeeded', 'skipped')
        and (started_at is null or completed_at is null or completed_at < started_at)`,
  })),
  ...Object.entries({ build_runs: unfinished.build_runs, deploys: unfinished.deploys }).map(([table, condition]) => ({
    number: 3,
    sentence: `something will advance what is not finished of ${table}`,
    sql: `
      select id as thing from ${table}
      where ${condition} and not exists (select from work where work.subject_id = ${table}.id)`,
  })),
  {
    number: 3,
    sentence: 'something will advance what is not finished of pipeline_runs',
    sql: `
      select id as thing from pipeline_runs
      where ${unfinished.pipeline_runs}
        and not exists (select from work where work.subject_id = pipeline_runs.id)
        and not exists (
          select from steps join work on work.subject_id = steps.subject_id
          where run_id = pipeline_runs.id and status in ('running', 'blocked'))
        and not exists (
          select from steps join deploys on deploys.id = steps.subject_id
          where run_id = pipeline_runs.id and deploys.status = 'awaiting_approval')`,
  },
  {
    number: 3,
    sentence: 'a finished pipeline run has no unfinished step',
    sql: `
      select steps.id as thing from steps join pipeline_runs on pipeline_runs.id = run_id
      where steps.completed_at is null and pipeline_runs.completed_at is not null`,
  },
  {
    number: 4,
    sentence: 'what is being carried out is carried out under a lease',
    sql: `
      select id as thing from work where state = 'running' and (leased_until is null or fence < 1)
      union all
      select id from build_runs where status = 'building'
        and not exists (select from work where work.subject_id = build_runs.id)`,
  },
  {
    number: 5,
    sentence: 'a lane counts what it runs',
    sql: `
      select tenant_id || ' ' || class as thing from lanes
      where class <> 'control' and running <> (
        select count(*) from work
        where work.tenant_id = lanes.tenant_id and work.class = lanes.class and state = 'running')`,
  },
  {
    number: 5,
    sentence: 'a lane runs no more than it may',
    sql: `select tenant_id || ' ' || class as thing from lanes where running > max`,
  },
  {
    number: 5,
    sentence: 'a capacity counts what runs',
    sql: `
      select class as thing from capacities
      where running <> (select count(*) from work where work.class = capacities.class and state = 'running')`,
  },
  {
    number: 5,
    sentence: 'an environment has one deploy under way',
    sql: `
      select environment_id as thing from deploys where status = 'deploying'
      group by environment_id having count(*) > 1`,
  },
  {
    number: 6,
    sentence: 'the lines of a log have no gap and no double',
    sql: `
      with kept as (
        select tenant_id, subject_id, first_sequence, count from log_chunks
        union all
        select tenant_id, subject_id, first_sequence, last_sequence - first_sequence + 1 from log_archives
      )
      select subject_id as thing from (
        select subject_id, first_sequence,
          coalesce(lag(first_sequence + count) over (partition by tenant_id, subject_id order by first_sequence), 1)
            as expected
        from kept
      ) as places
      where first_sequence <> expected
      union
      select log_streams.subject_id from log_streams
      where last_sequence <> coalesce((
        select max(first_sequence + count - 1) from kept
        where kept.tenant_id = log_streams.tenant_id and kept.subject_id = log_streams.subject_id), 0)`,
  },
  {
    number: 7,
    sentence: 'a completed run has an artifact for each requested service',
    sql: `
      select build_runs.id as thing from build_runs join build_specs on build_specs.id = build_id
      where status = 'completed' and verifies is null and exists (
        select from unnest(coalesce(build_specs.services, array[null])) as wanted
        where not exists (
          select from build_artifacts
          where run_id in (build_runs.id, build_runs.reused_from)
            and (wanted is null or service_name = wanted)))`,
  },
  {
    number: 7,
    sentence: 'a release names digests, and those of its build exist',
    sql: `
      select releases.id || ' ' || service as thing
      from releases, jsonb_each_text(digests) as named (service, digest)
      where digest !~ '^sha256:[0-9a-f]{64}$'
        or exists (
          select from build_artifacts
          where build_artifacts.build_id = releases.build_id and service_name = service)
        and not exists (
          select from build_artifacts
          where build_artifacts.project_id = releases.project_id and build_artifacts.digest = named.digest)`,
  },
  {
    number: 8,
    sentence: 'a secret value is sealed',
    sql: `
      select id as thing from secret_versions
      where '' in (master_key_id, wrapped_key, nonce, ciphertext) or key_version < 1`,
  },
  {
    number: 9,
    sentence: 'the history of a record is of its tenant',
    sql: `
      select distinct subject_id as thing from transitions
      join (
        select id, tenant_id from build_runs union all select id, tenant_id from deploys
        union all select id, tenant_id from pipeline_runs union all select id, tenant_id from steps
      ) as subjects on subjects.id = subject_id
      where subjects.tenant_id <> transitions.tenant_id`,
  },
  ...['work', 'log_streams'].map((table) => ({
    number: 9,
    sentence: `${table} are of the tenant of their subject`,
    sql: `
      select distinct subject_id as thing from ${table}
      join (
        select id, tenant_id from build_runs union all select id, tenant_id from deploys
        union all select id, tenant_id from pipeline_runs
      ) as subjects on subjects.id = subject_id
      where subjects.tenant_id <> ${table}.tenant_id`,
  })),
  {
    number: 10,
    sentence: 'only what is healthy, or becoming so, serves',
    sql: `
      select instance as thing from endpoints join deploys on deploys.id = deploy_id
      where state = 'serving' and status not in ('healthy', 'deploying')`,
  },
];

const tables: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  build_run: buildRunTransitions,
  deploy: deployTransitions,
  pipeline_run: pipelineRunTransitions,
  step: stepTransitions,
};

interface Edge {
  kind: string;
  id: string;
  from: string | null;
  to: string;
  event: string;
  before: string | null;
  status: string | null;
}

/** Each history begins with a creation, goes on where it was, along the domain's table, and ends in the recorded status. */
async function brokenPaths(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<Edge>(`
    select subject_kind as kind, subject_id as id, from_state as from, to_state as to, event,
      lag(to_state) over history as before,
      case when lead(sequence) over history is null then subjects.status end as status
    from transitions
    join (
      select id, status from build_runs union all select id, status from deploys
      union all select id, status from pipeline_runs union all select id, status from steps
    ) as subjects on subjects.id = subject_id
    window history as (partition by subject_id order by sequence)
    order by subject_id, sequence`);
  return rows.flatMap((edge) => {
    const problem = problemOf(edge);
    return problem ? [`2. a state changes only along its table: ${edge.kind} ${edge.id} ${problem}`] : [];
  });
}

function problemOf({ kind, from, to, event, before, status }: Edge): string | null {
  if (from !== before) return `goes on from ${from} where it was ${before}`;
  if (status !== null && status !== to) return `is ${status}, but its history ends in ${to}`;
  if (from === null || from === to) return null;
  const next = Object.values(tables[kind]?.[from] ?? {});
  return next.includes(to) ? null : `went from ${from} to ${to} by ${event}`;
}
