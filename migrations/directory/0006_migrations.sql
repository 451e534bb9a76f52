-- Many moves as one piece of work.
create table migrations (
  id text not null primary key, -- `mig_…`
  status text not null check (status in ('running', 'paused', 'succeeded', 'failed')),
  terms text not null, -- JSON: where to, and how
  parallelism integer not null, -- how many tenants move at once
  stop_on_failure integer not null,
  initiated_by text not null,
  created_at integer not null,
  updated_at integer not null,
  finished_at integer
) strict, without rowid;

create index migrations_by_time on migrations (created_at);

-- The tenants of a migration, in the order in which they move.
create table migration_tenants (
  migration_id text not null references migrations (id),
  position integer not null,
  tenant_id text not null,
  status text not null check (status in ('waiting', 'moving', 'moved', 'failed')),
  operation_id text, -- its move, once that was asked for
  error text, -- why it failed, in words for the operator
  updated_at integer not null,
  primary key (migration_id, position)
) strict, without rowid;

create index migration_tenants_by_status on migration_tenants (migration_id, status, position);
