/** A sentence that must always hold, and the statement that finds what breaks it. */
export interface Invariant {
  /** Of the twelve that the design lists. */
  readonly number: number;
  readonly sentence: string;
  /** Answers a row with the column `thing` for each break. */
  readonly sql: string;
}

/** What must always hold of build runs, beyond what constraints of the tables say. */
export const buildInvariants: readonly Invariant[] = [
  {
    number: 2,
    sentence: 'steps belong to attempts that began',
    sql: `
      select run_id || ' ' || build_steps.attempt as thing from build_steps
      join build_runs on build_runs.id = run_id
      where build_steps.attempt > build_runs.attempt or build_steps.tenant_id <> build_runs.tenant_id`,
  },
  {
    number: 2,
    sentence: 'a run is tried again by itself at most 3 times, each as a new attempt',
    sql: `select id as thing from build_runs where retries > 3 or retries > attempt`,
  },
  {
    number: 2,
    sentence: 'the list of builds knows each by its services and its newest run, verifications apart',
    sql: `
      with heads as (
        select build_specs.id, service, project_id, git_sha, created_at, newest.id as run_id,
          coalesce(newest.status, 'none') as status
        from build_specs
        cross join unnest(array['*'] || coalesce(services, array[''])) as service
        left join lateral (
          select id, status from build_runs
          where tenant_id = build_specs.tenant_id and build_id = build_specs.id and verifies is null
          order by id desc limit 1) as newest on true
      ), recorded as (
        select build_id, service, project_id, git_sha, created_at, run_id, status from build_heads
      )
      select distinct id as thing from ((table heads except table recorded) union (table recorded except table heads)) as wrong`,
  },
  {
    number: 2,
    sentence: 'what a run used and may use is not negative',
    sql: `
      select build_runs.id as thing
      from build_runs, jsonb_each(coalesce(usage, '{}') || coalesce(limits, '{}')) as amount (name, value)
      where jsonb_typeof(value) not in ('number', 'null') or (value <> 'null' and value::numeric < 0)`,
  },
  {
    number: 7,
    sentence: 'a verification makes no images, and what it found is known once it is complete',
    sql: `
      select build_runs.id as thing from build_runs
      where verifies is not null and (
        exists (select from build_artifacts where run_id = build_runs.id)
        or (status = 'completed' and verification is null))
      union all
      select id from build_runs where verifies is null and verification is not null`,
  },
];
