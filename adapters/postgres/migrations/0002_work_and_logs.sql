-- Work to be done, the limits it is admitted under, and what builds, deploys and steps print.

-- A lane counts what a tenant runs of a class. `max` null: not limited. `control` lanes are not counted.
-- The lane served longest ago goes first. There is no index on `turn`, so that its updates stay on the page.
create sequence work_turns;
create sequence work_fences;

create table lanes (
  tenant_id text collate "C" not null references organisations,
  class text not null check (class in ('build', 'deploy', 'control')),
  max integer check (max >= 0),
  running integer not null default 0 check (running >= 0),
  turn bigint not null default 0,
  primary key (tenant_id, class)
) with (fillfactor = 50);

-- Whose turn it is inside a lane. Changed only while the lane's row is locked.
create table lane_projects (
  tenant_id text collate "C" not null,
  class text not null,
  project_id text collate "C" not null,
  turn bigint not null default 0,
  primary key (tenant_id, class, project_id),
  foreign key (tenant_id, class) references lanes,
  foreign key (tenant_id, project_id) references projects (tenant_id, id)
) with (fillfactor = 50);

-- What all tenants together may run of a class. A class without a row is not limited, and costs no lock.
create table capacities (
  class text primary key check (class in ('build', 'deploy')),
  max integer not null check (max >= 0),
  running integer not null default 0 check (running >= 0)
);

-- Finished work is deleted: what happened is told by the record the work was about.
create table work (
  id text collate "C" primary key,
  kind text not null,
  subject_id text collate "C" not null,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  class text not null,
  version integer not null check (version > 0),
  priority integer not null default 0,
  state text not null default 'queued' check (state in ('queued', 'waiting', 'running')),
  run_at timestamptz not null default now(),
  exclusive_key text,
  waiting_reason text,
  worker text,
  -- Claims since the work last ended well.
  attempt integer not null default 0,
  -- Of the last claim. Taken from one sequence, so that it also rises over works about the same record.
  fence bigint not null default 0,
  leased_until timestamptz,
  cancel_requested boolean not null default false,
  -- Asked for again while it was running.
  again boolean not null default false,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, class, project_id) references lane_projects,
  unique (kind, subject_id),
  check ((state = 'running') = (leased_until is not null)),
  check ((state = 'running') = (worker is not null)),
  check ((state = 'waiting') = (waiting_reason is not null)),
  check (state = 'running' or not again)
) with (
  fillfactor = 70,
  -- Grows and shrinks by orders of magnitude within minutes: the claim's plan must keep up with it.
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05
);

create index work_queued on work (tenant_id, class, project_id, priority desc, run_at, id) where state = 'queued';
create index work_waiting on work (run_at) where state = 'waiting';
create index work_leased on work (leased_until) where state = 'running';
create unique index work_exclusive on work (exclusive_key) where state = 'running';

-- How far a subject's log is. Locked by every append, which keeps its sequences without gaps.
create table log_streams (
  tenant_id text collate "C" not null references organisations,
  subject_id text collate "C" not null,
  last_sequence bigint not null,
  -- Where the engine's own output was last read.
  cursor text,
  started_at timestamptz not null,
  primary key (tenant_id, subject_id)
) with (fillfactor = 50);

-- A batch of lines per row. `steps` says which steps are in it; `lines` are arrays, see src/log-lines.ts.
create table log_chunks (
  tenant_id text collate "C" not null,
  subject_id text collate "C" not null,
  first_sequence bigint not null,
  count integer not null check (count > 0),
  steps text[] not null,
  lines jsonb not null,
  bytes integer not null,
  at timestamptz not null,
  foreign key (tenant_id, subject_id) references log_streams
) partition by range (at);

create index log_chunks_by_sequence on log_chunks (tenant_id, subject_id, first_sequence);

-- Takes what no day's partition takes: a log is never refused because a partition was not made in time.
create table log_chunks_default partition of log_chunks default;
