-- Records of what is built, released and run. Ids sort by time as bytes, so they are compared as bytes.
-- Every table carries its tenant, and references carry it along: a row of two tenants cannot be written.

create table organisations (
  id text collate "C" primary key,
  slug text not null unique,
  name text not null,
  tier text not null check (tier in ('free', 'pro', 'enterprise', 'dedicated')),
  created_at timestamptz not null
);

create table projects (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references organisations,
  slug text not null,
  name text not null,
  repo_url text,
  branch text not null,
  repo_token_secret text,
  created_at timestamptz not null,
  -- Counts builds without gaps: raised in the transaction that writes the build.
  last_build_number bigint not null default 0,
  unique (tenant_id, slug),
  unique (tenant_id, id)
);

create table tokens (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references organisations,
  project_id text collate "C",
  name text not null,
  hash text not null unique,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  foreign key (tenant_id, project_id) references projects (tenant_id, id)
);
create index tokens_of_tenant on tokens (tenant_id, id);

create table manifests (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  yaml text not null,
  created_at timestamptz not null,
  foreign key (tenant_id, project_id) references projects (tenant_id, id),
  unique (tenant_id, project_id, hash),
  unique (tenant_id, project_id, id)
);

create table manifest_syncs (
  sequence bigint generated always as identity primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  manifest_id text collate "C" not null,
  git_sha text,
  branch text,
  synced_at timestamptz not null,
  foreign key (tenant_id, project_id, manifest_id) references manifests (tenant_id, project_id, id)
);
create unique index manifest_syncs_once on manifest_syncs (manifest_id, coalesce(git_sha, ''));
create index manifest_syncs_by_time on manifest_syncs (tenant_id, project_id, synced_at desc, sequence desc);
create index manifest_syncs_by_sha on manifest_syncs (tenant_id, project_id, git_sha, synced_at desc);

-- Only what is sealed is kept; a removed secret leaves its revoked versions, which revisions may name.
create table secrets (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references organisations,
  project_id text collate "C",
  key text not null,
  current_version_id text collate "C" not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  foreign key (tenant_id, project_id) references projects (tenant_id, id),
  unique (tenant_id, id)
);
create unique index secrets_by_key on secrets (tenant_id, coalesce(project_id, ''), key) where deleted_at is null;

create table secret_versions (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  secret_id text collate "C" not null,
  master_key_id text not null,
  key_version integer not null,
  wrapped_key text not null,
  nonce text not null,
  ciphertext text not null,
  created_by text,
  created_at timestamptz not null,
  revoked_at timestamptz,
  foreign key (tenant_id, secret_id) references secrets (tenant_id, id),
  unique (tenant_id, secret_id, id)
);
alter table secrets add foreign key (tenant_id, id, current_version_id)
  references secret_versions (tenant_id, secret_id, id) deferrable initially deferred;

create table build_specs (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  number bigint not null check (number > 0),
  source jsonb not null check (source ->> 'kind' in ('git', 'archive', 'image')),
  target text not null check (target in ('image', 'microvm_rootfs')),
  git_sha text,
  manifest_hash text,
  services text[],
  inputs jsonb,
  registry jsonb,
  cache jsonb,
  spec_key text not null,
  created_by text,
  created_at timestamptz not null,
  foreign key (tenant_id, project_id) references projects (tenant_id, id),
  unique (project_id, number),
  unique (project_id, spec_key),
  unique (tenant_id, project_id, id)
);
create index build_specs_by_sha on build_specs (tenant_id, project_id, git_sha, manifest_hash);

create table build_runs (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  build_id text collate "C" not null,
  status text not null check (status in ('pending', 'building', 'completed', 'failed', 'cancelled')),
  phase text check (phase in ('preparing', 'downloading', 'building', 'optimizing', 'packaging')),
  backend text not null check (backend in ('buildx', 'buildkit', 'kaniko')),
  notes text[] not null,
  attempt integer not null check (attempt >= 0),
  runner_ref text,
  logs_ref text,
  failure jsonb,
  reused_from text collate "C",
  cancel_requested_at timestamptz,
  cancel_requested_by text,
  created_by text,
  created_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  foreign key (tenant_id, project_id, build_id) references build_specs (tenant_id, project_id, id),
  foreign key (tenant_id, project_id, reused_from) references build_runs (tenant_id, project_id, id),
  unique (tenant_id, project_id, id),
  unique (tenant_id, project_id, build_id, id),
  constraint build_runs_times check (
    (status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)
    and (completed_at is null or started_at is not null)
    and (status <> 'building' or started_at is not null)
  ),
  constraint build_runs_phase check (phase is null or status = 'building'),
  constraint build_runs_failure check ((status = 'failed') = (failure is not null))
);
create index build_runs_of_build on build_runs (tenant_id, build_id, id);
create index build_runs_unfinished on build_runs (id) where status in ('pending', 'building');

create table build_artifacts (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  build_id text collate "C" not null,
  run_id text collate "C" not null,
  service_name text not null,
  registry text not null,
  repository text not null,
  tags text[] not null,
  digest text not null check (digest ~ '^sha256:[0-9a-f]{64}$'),
  platform_digests jsonb not null,
  platforms text[] not null,
  size_bytes bigint,
  provenance_ref text,
  sbom_ref text,
  created_at timestamptz not null,
  foreign key (tenant_id, project_id, build_id, run_id) references build_runs (tenant_id, project_id, build_id, id),
  unique (run_id, service_name)
);
create index build_artifacts_of_project on build_artifacts (tenant_id, project_id, id);
create index build_artifacts_by_tag on build_artifacts using gin (tags);

create table releases (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  git_sha text,
  manifest_hash text not null,
  images jsonb not null,
  -- Service to digest: what makes two releases the same.
  digests jsonb not null,
  build_id text collate "C",
  version text,
  tag text,
  local boolean not null,
  created_by text,
  created_at timestamptz not null,
  foreign key (tenant_id, project_id) references projects (tenant_id, id),
  foreign key (tenant_id, project_id, build_id) references build_specs (tenant_id, project_id, id),
  unique (project_id, tag),
  unique (tenant_id, project_id, id)
);
create index releases_by_tag on releases (tenant_id, tag);
create index releases_by_content on releases (tenant_id, project_id, manifest_hash);

create table environments (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  name text not null,
  kind text not null check (kind in ('persistent', 'temporary')),
  status text not null check (status in ('active', 'suspended')),
  current_revision_id text collate "C",
  last_deploy_id text collate "C",
  created_at timestamptz not null,
  last_revision_number bigint not null default 0,
  last_config_number bigint not null default 0,
  foreign key (tenant_id, project_id) references projects (tenant_id, id),
  unique (project_id, name),
  unique (tenant_id, project_id, id),
  unique (tenant_id, id)
);

create table config_versions (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  environment_id text collate "C" not null,
  number bigint not null check (number > 0),
  settings jsonb not null,
  message text,
  created_by text,
  created_at timestamptz not null,
  foreign key (tenant_id, environment_id) references environments (tenant_id, id),
  unique (environment_id, number),
  unique (tenant_id, environment_id, id)
);

create table revisions (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  environment_id text collate "C" not null,
  number bigint not null check (number > 0),
  release_id text collate "C" not null,
  config_version_id text collate "C" not null,
  secret_versions jsonb not null,
  restored_from text collate "C",
  created_by text,
  created_at timestamptz not null,
  foreign key (tenant_id, project_id, environment_id) references environments (tenant_id, project_id, id),
  foreign key (tenant_id, project_id, release_id) references releases (tenant_id, project_id, id),
  foreign key (tenant_id, environment_id, config_version_id) references config_versions (tenant_id, environment_id, id),
  foreign key (tenant_id, environment_id, restored_from) references revisions (tenant_id, environment_id, id),
  unique (environment_id, number),
  unique (tenant_id, environment_id, id)
);

create table deploys (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  environment_id text collate "C" not null,
  revision_id text collate "C" not null,
  status text not null check (
    status in ('pending', 'awaiting_approval', 'deploying', 'healthy', 'failed', 'cancelled', 'superseded')
  ),
  phase text check (
    phase in ('release_command', 'starting', 'probing', 'canary', 'paused', 'switching', 'draining')
  ),
  cause text not null check (cause in ('pipeline', 'direct', 'rollback', 'configuration')),
  rolled_back_to text collate "C",
  failure jsonb,
  created_by text,
  cancel_requested_at timestamptz,
  created_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  foreign key (tenant_id, project_id, environment_id) references environments (tenant_id, project_id, id),
  foreign key (tenant_id, environment_id, revision_id) references revisions (tenant_id, environment_id, id),
  foreign key (tenant_id, environment_id, rolled_back_to) references deploys (tenant_id, environment_id, id),
  unique (tenant_id, environment_id, id),
  constraint deploys_times check (
    (status in ('healthy', 'failed', 'cancelled', 'superseded')) = (completed_at is not null)
    and (completed_at is null or started_at is not null)
    and (status <> 'deploying' or started_at is not null)
  ),
  constraint deploys_failure check ((status = 'failed') = (failure is not null))
);
create unique index deploys_one_deploying on deploys (environment_id) where status = 'deploying';
create index deploys_unfinished on deploys (id) where status in ('pending', 'awaiting_approval', 'deploying');

alter table environments
  add foreign key (tenant_id, id, current_revision_id) references revisions (tenant_id, environment_id, id),
  add foreign key (tenant_id, id, last_deploy_id) references deploys (tenant_id, environment_id, id);

create table endpoints (
  tenant_id text collate "C" not null,
  environment_id text collate "C" not null,
  deploy_id text collate "C" not null,
  service text not null,
  instance text not null,
  container_port integer not null,
  host text not null,
  port integer not null,
  state text not null check (state in ('starting', 'serving', 'draining')),
  foreign key (tenant_id, environment_id, deploy_id) references deploys (tenant_id, environment_id, id),
  primary key (environment_id, instance, container_port)
);

-- One row: the version of the routing table of the whole installation.
create table routing (
  singleton boolean primary key default true check (singleton),
  version bigint not null
);
insert into routing (version) values (0);

create table service_addresses (
  tenant_id text collate "C" not null,
  environment_id text collate "C" not null,
  service text not null,
  container_port integer not null,
  protocol text not null check (protocol in ('http', 'tcp')),
  port integer not null unique check (port between 1 and 65535),
  foreign key (tenant_id, environment_id) references environments (tenant_id, id),
  primary key (environment_id, service, container_port)
);

create table pipeline_runs (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  pipeline_name text not null,
  environment_id text collate "C",
  env_name text,
  git_sha text,
  manifest_hash text not null,
  inputs jsonb not null,
  status text not null check (
    status in ('pending', 'running', 'awaiting_approval', 'succeeded', 'failed', 'cancelled')
  ),
  error_message text,
  requested_by text,
  created_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  foreign key (tenant_id, project_id) references projects (tenant_id, id),
  foreign key (tenant_id, project_id, environment_id) references environments (tenant_id, project_id, id)
    on delete set null (environment_id),
  unique (tenant_id, id),
  constraint pipeline_runs_times check (
    (status in ('succeeded', 'failed', 'cancelled')) = (completed_at is not null)
    and (completed_at is null or started_at is not null)
    and (status <> 'running' or started_at is not null)
  )
);
create index pipeline_runs_of_project on pipeline_runs (tenant_id, project_id, id);
create index pipeline_runs_of_environment on pipeline_runs (environment_id);
create index pipeline_runs_unfinished on pipeline_runs (id) where status in ('pending', 'running', 'awaiting_approval');

create table steps (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
  index integer not null,
  name text not null,
  action text not null check (action in ('build', 'release', 'deploy')),
  env_name text,
  depends_on text[] not null,
  inputs jsonb not null,
  status text not null check (
    status in ('pending', 'blocked', 'running', 'succeeded', 'failed', 'skipped', 'cancelled')
  ),
  output jsonb,
  subject_id text collate "C",
  error_message text,
  started_at timestamptz,
  completed_at timestamptz,
  foreign key (tenant_id, run_id) references pipeline_runs (tenant_id, id),
  unique (run_id, index),
  unique (run_id, name),
  constraint steps_times check (
    (status in ('succeeded', 'failed', 'skipped', 'cancelled')) = (completed_at is not null)
    and (completed_at is null or started_at is not null)
    and (status <> 'running' or started_at is not null)
  )
);
create index steps_by_subject on steps (tenant_id, subject_id) where subject_id is not null;

-- The history of states: audit trail and outbox. transaction_id comes first, so that it is taken before the sequence:
-- readers leave out what a transaction still under way might come before.
create table transitions (
  transaction_id xid8 not null default pg_current_xact_id(),
  sequence bigint generated always as identity primary key,
  tenant_id text collate "C" not null references organisations,
  subject_kind text not null,
  subject_id text collate "C" not null,
  from_state text,
  to_state text not null,
  event text not null,
  actor text not null,
  -- Of the row's shape, so that a later release knows what it reads.
  version integer not null default 1,
  at timestamptz not null
);
create index transitions_of_subject on transitions (tenant_id, subject_id, sequence);
create index transitions_of_tenant on transitions (tenant_id, sequence);

create table idempotency_keys (
  tenant_id text collate "C" not null references organisations,
  route text not null,
  key text not null,
  request_hash text not null,
  status integer,
  body text,
  created_at timestamptz not null,
  primary key (tenant_id, route, key),
  check ((status is null) = (body is null))
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- What is recorded for good stays as it is; only the removal of a whole environment or project may say otherwise.
create function refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('eve.allow_delete', true) = 'on' then
    return old;
  end if;
  raise exception 'rows of % never change', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger immutable before update or delete on build_specs for each row execute function refuse_change();
create trigger immutable before update or delete on build_artifacts for each row execute function refuse_change();
create trigger immutable before update or delete on releases for each row execute function refuse_change();
create trigger immutable before update or delete on revisions for each row execute function refuse_change();
create trigger immutable before update or delete on config_versions for each row execute function refuse_change();
create trigger immutable before update or delete on manifests for each row execute function refuse_change();
create trigger immutable before update or delete on transitions for each row execute function refuse_change();

create trigger never_emptied before truncate on build_specs for each statement execute function refuse_change();
create trigger never_emptied before truncate on releases for each statement execute function refuse_change();
create trigger never_emptied before truncate on transitions for each statement execute function refuse_change();

-- A finished run or deploy keeps its outcome.
create function refuse_reopening() returns trigger language plpgsql as $$
begin
  if old.completed_at is not null and (new.status <> old.status or new.completed_at is distinct from old.completed_at) then
    raise exception '% % is finished', tg_table_name, old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger finished before update on build_runs for each row execute function refuse_reopening();
create trigger finished before update on deploys for each row execute function refuse_reopening();
create trigger finished before update on pipeline_runs for each row execute function refuse_reopening();
create trigger finished before update on steps for each row execute function refuse_reopening();
