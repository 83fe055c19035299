-- Builds: deadlines, retries, limits and use, verification, steps.

alter table build_runs
  add column cancel_reason text,
  add column retries integer not null default 0 check (retries >= 0),
  add column queue_deadline_at timestamptz,
  add column limits jsonb,
  add column usage jsonb,
  add column verifies text collate "C",
  add column verification jsonb,
  add foreign key (tenant_id, project_id, build_id, verifies) references build_runs (tenant_id, project_id, build_id, id);
create index build_runs_overdue on build_runs (queue_deadline_at) where status = 'pending';
create index build_runs_verifying on build_runs (verifies) where verifies is not null;
create index build_runs_reusing on build_runs (reused_from) where reused_from is not null;
create index build_runs_that_built on build_runs (tenant_id, project_id, id)
  where status = 'completed' and reused_from is null and verifies is null;

-- What the list of builds is read from, so that each filter has its rows in one range of an index, newest last. A build
-- has a row for itself, with the service '*', and one for each service that it names, or '' if it covers every one. Its
-- status is that of its newest run, verifications apart; before the first it is 'none'.
create table build_heads (
  build_id text collate "C" not null,
  service text not null,
  project_id text collate "C" not null,
  git_sha text,
  status text not null default 'none',
  run_id text collate "C",
  created_at timestamptz not null
-- Vacuumed early, because an index alone answers only for what is known to be visible to all.
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
insert into build_heads (build_id, service, project_id, git_sha, status, run_id, created_at)
  select distinct build_specs.id, service, project_id, git_sha, coalesce(newest.status, 'none'), newest.id, created_at
  from build_specs
  cross join unnest(array['*'] || coalesce(services, array[''])) as service
  left join (select distinct on (build_id) build_id, id, status from build_runs order by build_id, id desc) as newest
    on newest.build_id = build_specs.id;
alter table build_heads
  add primary key (build_id, service),
  add foreign key (build_id) references build_specs on delete cascade;
create index build_heads_listed on build_heads (project_id, service, status, build_id) include (created_at);
create index build_heads_of_sha on build_heads (project_id, git_sha, service, status, build_id) include (created_at)
  where git_sha is not null;

create function add_build_heads() returns trigger language plpgsql as $$
begin
  insert into build_heads (build_id, service, project_id, git_sha, created_at)
    select distinct new.id, service, new.project_id, new.git_sha, new.created_at
    from unnest(array['*'] || coalesce(new.services, array[''])) as service;
  return null;
end
$$;
create trigger heads after insert on build_specs for each row execute function add_build_heads();

-- The build's own row is the lock under which its others change.
create function set_build_heads() returns trigger language plpgsql as $$
begin
  update build_heads set status = new.status, run_id = new.id
    where build_id = new.build_id and service = '*' and coalesce(run_id, '') <= new.id;
  if found then
    update build_heads set status = new.status, run_id = new.id where build_id = new.build_id and service <> '*';
  end if;
  return null;
end
$$;
create trigger heads after insert or update of status on build_runs
  for each row when (new.verifies is null) execute function set_build_heads();

-- Builds may be deleted: their numbers are not given again, and how many are gone is known.
alter table projects add column deleted_builds bigint not null default 0 check (deleted_builds >= 0);

create index build_artifacts_by_digest on build_artifacts (digest);
create index releases_of_build on releases (build_id) where build_id is not null;
-- Every digest that a release names, whatever its service is called.
create index releases_by_digest on releases using gin ((jsonb_path_query_array(digests, '$.*')));
create trigger never_emptied before truncate on build_artifacts for each statement execute function refuse_change();

-- A build may go although a later one took its images over: they are recorded there as well.
alter table build_runs drop constraint build_runs_tenant_id_project_id_reused_from_fkey;
alter table build_runs
  add foreign key (tenant_id, project_id, reused_from) references build_runs (tenant_id, project_id, id)
    on delete set null (reused_from);

update build_runs set failure = '{"phase": null, "retryClass": null}'::jsonb || failure where failure is not null;

-- The steps of one service in one attempt, written as a whole each time they change.
create table build_steps (
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  run_id text collate "C" not null,
  service text not null,
  attempt integer not null check (attempt > 0),
  steps jsonb not null,
  foreign key (tenant_id, project_id, run_id) references build_runs (tenant_id, project_id, id) on delete cascade,
  primary key (run_id, attempt, service)
);

alter table build_runs add constraint build_runs_reused_or_verifies check (reused_from is null or verifies is null);

-- logs

-- `archived`: no line is left in rows. Lines up to `archived_sequence` are in blobs. A log that could not be moved is
-- tried again at `archive_at`. `writer` and `batch` name the last append, so that its repetition is recognised.
alter table log_streams
  add column archived boolean not null default false,
  add column archived_sequence bigint not null default 0,
  add column archive_at timestamptz not null default now(),
  add column writer text,
  add column batch bigint;
create index log_streams_to_archive on log_streams (archive_at) where not archived;

-- Null in chunks of before: any attempt.
alter table log_chunks add column attempts integer[];

-- A run of lines in one blob: zstd frames one after another, whose places `blocks` tells, see src/log-blocks.ts.
create table log_archives (
  tenant_id text collate "C" not null,
  subject_id text collate "C" not null,
  first_sequence bigint not null,
  last_sequence bigint not null check (last_sequence >= first_sequence),
  key text not null,
  blocks jsonb not null,
  foreign key (tenant_id, subject_id) references log_streams on delete cascade,
  primary key (tenant_id, subject_id, first_sequence)
);

-- Queue: since when a work is queued, waits or runs.
alter table work add column since timestamptz not null default now();
update work set since = created_at;
