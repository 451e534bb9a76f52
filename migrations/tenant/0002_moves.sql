-- Moves of a tenant from one database to another.

-- Handles of an older epoch may not even read: what they would see has been changed elsewhere.
alter table fences add column closed integer not null default 0;

-- The part of this database in a move of the tenant. What has parted stays, as a tombstone, until a later move.
-- moves: never (each side of a move has its own)
create table moves (
  tenant_id text not null primary key,
  operation_id text not null,
  generation integer not null, -- the tenant's epoch when that operation began: a later one has a higher
  version integer not null, -- counts the effects on it; whoever has seen an older one is refused
  role text not null check (role in ('clearing', 'copying', 'following', 'leading', 'leaving', 'over')),
  led_since integer not null default 0, -- the epoch under which it began to lead
  led_from integer not null default 0, -- the position of its log at that moment
  captured integer not null default 0, -- the position of its log
  watermark integer not null default 0, -- the position of the other one's log that it has been brought to
  copy text, -- JSON: where the copy goes on; null when it is whole
  checking text, -- JSON: where the comparison goes on; null when every row has been compared
  tally text not null default '{}', -- JSON: what was done so far
  schema_version integer not null -- for which it was given its part
) strict, without rowid;

-- The keys of the rows that have changed, in order: written by triggers that are there only during a move.
-- moves: never (each side of a move has its own)
create table captured_keys (
  tenant_id text not null,
  sequence integer not null,
  name text not null, -- of the table
  key text not null, -- JSON array, without the tenant
  primary key (tenant_id, sequence)
) strict, without rowid;

-- Every effect of a move begins with an insert here, which stores nothing.
create view move_guard (tenant_id, operation_id, version, schema_version) as select '', '', 0, 0 where false;

create trigger move_guard_version instead of insert on move_guard
when not exists (
  select 1 from moves
  where tenant_id = new.tenant_id and operation_id = new.operation_id and version = new.version
) or (select count(*) from d1_migrations) <> new.schema_version
begin
  select raise(abort, 'gatehouse: overtaken');
end;

-- What was written is read back by an insert here, which stores nothing.
create view move_check (tenant_id, expected, found) as select '', '', '' where false;

create trigger move_check_same instead of insert on move_check
when new.expected is not new.found
begin
  select raise(abort, 'gatehouse: read back differently');
end;
