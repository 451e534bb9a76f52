-- Moves of tenants.

-- Of a move: the databases where the tenant was in the beginning, and where it is moved to.
alter table operations add column source_id text;

alter table operations add column target_id text;

-- Of a move: what an operator wants. 1 to do nothing for now.
alter table operations add column held integer not null default 0;

-- And null, or `target` (go on there as soon as possible), `source` (end where it began) or `finish` (end where it has
-- arrived). The last two are never changed again.
alter table operations add column wanted text;

-- Of a move: when the tenant has arrived; null while it is where it was.
alter table operations add column switched_at integer;

-- JSON: how far it is, for whoever looks.
alter table operations add column progress text not null default '{}';
