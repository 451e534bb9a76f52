-- Moves of tenants.

-- The database that the operation is about, if it is not the one that the tenant has.
alter table operations add column database_id text;

-- What an operator wants of it: 1 to do nothing for now.
alter table operations add column held integer not null default 0;

-- Of a move: null, or `target` (go on there as soon as possible), `source` (end where it began) or `finish` (end where
-- it has arrived). The last two are never changed again.
alter table operations add column wanted text;

-- Of a move: when the tenant has arrived; null while it is where it was.
alter table operations add column switched_at integer;

-- JSON: how far it is, for whoever looks.
alter table operations add column progress text not null default '{}';
