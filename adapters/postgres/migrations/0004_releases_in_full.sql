-- Releases, environments, configuration, deploys and rollback.
alter table deploys
  drop constraint deploys_phase_check,
  drop constraint deploys_cause_check,
  add constraint deploys_phase_check check (
    phase in ('release_command', 'starting', 'probing', 'canary', 'paused', 'switching', 'stabilising', 'draining')
  ),
  add constraint deploys_cause_check check (cause in ('pipeline', 'direct', 'rollback', 'configuration', 'repair')),
  add column strategy jsonb not null default '{"kind": "blue_green", "keepWarmMs": 0}',
  add column warnings text[] not null default '{}',
  add column canary jsonb,
  add column canary_request text check (canary_request in ('promote', 'promote_all', 'pause')),
  add column release_commands jsonb not null default '[]',
  add column approved_by text,
  add column approved_at timestamptz,
  add column cancel_reason text,
  add constraint deploys_approved check ((approved_by is null) = (approved_at is null));
update deploys set failure = '{"instances": []}'::jsonb || failure where failure is not null;

alter table environments
  add column settings jsonb not null default '{}',
  add column lock jsonb,
  add column suspended_reason text;

alter table endpoints
  drop constraint endpoints_state_check,
  add constraint endpoints_state_check check (state in ('starting', 'serving', 'draining', 'warm')),
  add column weight integer not null default 100 check (weight between 0 and 256),
  add column warm_until timestamptz,
  add constraint endpoints_warm check ((state = 'warm') = (warm_until is not null));

create table release_blocks (
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  release_id text collate "C" not null,
  reason text not null,
  blocked_by text not null,
  blocked_at timestamptz not null,
  foreign key (tenant_id, project_id, release_id) references releases (tenant_id, project_id, id) on delete cascade,
  primary key (release_id)
);
create index revisions_of_release on revisions (release_id);

create table drifts (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  project_id text collate "C" not null,
  environment_id text collate "C" not null,
  revision_id text collate "C" not null,
  differences jsonb not null,
  detected_at timestamptz not null,
  seen_at timestamptz not null,
  cleared_at timestamptz,
  repair_deploy_id text collate "C",
  foreign key (tenant_id, project_id, environment_id) references environments (tenant_id, project_id, id) on delete cascade,
  foreign key (tenant_id, environment_id, revision_id) references revisions (tenant_id, environment_id, id) on delete cascade,
  foreign key (tenant_id, environment_id, repair_deploy_id) references deploys (tenant_id, environment_id, id)
    on delete set null (repair_deploy_id)
);
create unique index drifts_one_lasting on drifts (environment_id) where cleared_at is null;
create index drifts_of_environment on drifts (tenant_id, environment_id, id);

-- What instances printed before they were removed.
create table instance_logs (
  key text collate "C" primary key,
  tenant_id text collate "C" not null,
  environment_id text collate "C" not null,
  deploy_id text collate "C" not null,
  service text not null,
  instance text not null,
  from_time timestamptz not null,
  to_time timestamptz not null,
  lines bigint not null,
  size_bytes bigint not null,
  archived_at timestamptz not null,
  foreign key (tenant_id, environment_id) references environments (tenant_id, id) on delete cascade
);
create index instance_logs_of_environment on instance_logs (tenant_id, environment_id, service, to_time);
create index instance_logs_by_age on instance_logs (archived_at);

-- Secrets of the whole installation: they belong to no tenant, and only operators see them.
create table system_secrets (
  id text collate "C" primary key,
  key text not null,
  current_version_id text collate "C" not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create unique index system_secrets_by_key on system_secrets (key) where deleted_at is null;

create table system_secret_versions (
  id text collate "C" primary key,
  secret_id text collate "C" not null references system_secrets,
  master_key_id text not null,
  key_version integer not null,
  wrapped_key text not null,
  nonce text not null,
  ciphertext text not null,
  created_by text,
  created_at timestamptz not null,
  revoked_at timestamptz
);
alter table system_secrets add foreign key (current_version_id)
  references system_secret_versions deferrable initially deferred;
create index system_secret_versions_by_key on system_secret_versions (master_key_id, key_version);
create index secret_versions_by_key on secret_versions (master_key_id, key_version);

-- Retention: what one process of the installation does at a time, and while which others wait.
create table installation_locks (
  name text collate "C" primary key,
  holder text not null,
  -- In the past when nobody holds it: whoever held it may have died.
  held_until timestamptz not null,
  -- How often it was taken: whoever sees another number was not alone meanwhile.
  times bigint not null default 1,
  taken_at timestamptz not null default now()
);
create index deploys_of_revision on deploys (revision_id);

-- Configuration: master keys with which nothing is sealed any more, and nothing may be: their bytes are forgotten.
create table retired_master_keys (
  master_key_id text not null,
  key_version integer not null,
  retired_at timestamptz not null,
  primary key (master_key_id, key_version)
);
create function refuse_retired_key() returns trigger language plpgsql as $$
begin
  -- Whoever retires a key holds the other side of this lock, and is seen by the next statement.
  perform pg_advisory_xact_lock_shared(hashtextextended('master keys', 0));
  if exists (
    select from retired_master_keys
    where master_key_id = new.master_key_id and key_version = new.key_version
  ) then
    raise exception 'sealed with a master key that was retired' using errcode = 'EV001';
  end if;
  return new;
end
$$;
create trigger not_retired before insert or update of master_key_id, key_version on secret_versions
  for each row execute function refuse_retired_key();
create trigger not_retired before insert or update of master_key_id, key_version on system_secret_versions
  for each row execute function refuse_retired_key();

-- Deploys: lists of a whole project.
create index deploys_of_project on deploys (tenant_id, project_id, id);

-- A deploy knows why it fails before it has brought back what served: a later worker goes on with that, whatever it finds by then.
alter table deploys
  drop constraint deploys_failure,
  add constraint deploys_failure check (
    case status when 'failed' then failure is not null when 'deploying' then true else failure is null end
  );
