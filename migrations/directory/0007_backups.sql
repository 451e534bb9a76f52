-- Backups of tenants.

-- An archive, or one that is being written. It outlives its tenant.
create table backups (
  id text not null primary key,
  tenant_id text not null,
  operation_id text not null,
  reason text not null check (reason in ('asked', 'deletion', 'restore')),
  status text not null check (status in ('writing', 'whole', 'deleting')),
  include text not null, -- JSON array: what was asked for besides what is always in it
  wrapped_key text not null, -- the key of the archive, wrapped by ENCRYPTION_KEY
  schema_version integer not null,
  version integer not null default 1, -- counts the steps of writing it; whoever has seen an older one is refused
  cursor text not null, -- JSON: where writing it goes on
  parts integer not null default 0,
  bytes integer not null default 0, -- as they are kept
  sums text not null default '{}', -- JSON: by table, how many rows, and a hash of them
  hash text, -- SHA-256 of the manifest; null until it is whole
  created_at integer not null,
  taken_at integer, -- the instant that it shows
  finished_at integer
) strict, without rowid;

create index backups_by_tenant on backups (tenant_id, created_at);

create index backups_by_status on backups (status, created_at);

-- The parts of an archive that is being written. Those of a whole one are in its manifest.
create table backup_parts (
  backup_id text not null,
  number integer not null, -- from 0
  object text not null, -- its name in the store: never the same twice
  changes integer not null, -- 1: what had changed meanwhile; 0: rows of the copy
  digest text not null, -- SHA-256 of what is kept
  bytes integer not null,
  primary key (backup_id, number)
) strict, without rowid;
