-- Several processes on machines of their own, and clusters.

-- Which installation this database belongs to: one row, from the process that was first.
create table installation (
  only_one boolean primary key default true check (only_one),
  id text not null check (id ~ '^[a-z0-9]{6}$')
);

-- Host names that manifests ask for: each belongs to one service of the installation.
alter table service_addresses add column host text check (host = lower(host));
create unique index service_addresses_host on service_addresses (host) where host is not null;
