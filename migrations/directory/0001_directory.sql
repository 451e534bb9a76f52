-- The directory: which tenants there are, where their rows live, and what is being done to them.
-- A statement ends with a semicolon at the end of a line; a trigger with `end;` at the start of one.

create table meta (
  key text not null primary key,
  value text not null
) strict, without rowid;

-- A tenant. `id` never changes and, for a while after deletion, is not given again.
create table tenants (
  id text not null primary key,
  friendly_name text not null,
  status text not null check (status in ('provisioning', 'active', 'read_only', 'suspended', 'failed', 'deleting', 'deleted')),
  placement text not null check (placement in ('shared', 'isolated')),
  database_id text, -- null while being provisioned and once deleted
  region text, -- location hint (wnam, enam, weur, eeur, apac, oc) or jurisdiction (eu, fedramp); null: Cloudflare decides
  epoch integer not null default 1, -- grows when its rows move or go, or its name is given again: older routes are void
  organization_id text, -- its organization on the main tenant; null for the main tenant itself
  created_by text not null, -- `sub` of the token that asked for it
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer -- the name is held from here on
) strict, without rowid;

create index tenants_by_status on tenants (status);

-- Custom domains that have been verified.
create table hosts (
  host text not null primary key,
  tenant_id text not null references tenants (id),
  created_at integer not null
) strict, without rowid;

create index hosts_by_tenant on hosts (tenant_id);

-- Databases that hold tenants. Declared in `wrangler.toml`: the shared one, and the pool, whose members are `free`,
-- `claimed`, or being emptied (`wiping`). Made through the API: `creating` until the script is bound to it, then
-- `attached`, and `detaching` while it goes; its row goes with it.
create table databases (
  id text not null primary key, -- the binding's name for a declared database, else its name at Cloudflare
  name text not null unique, -- name at Cloudflare; a pure function of the operation that makes it
  uuid text unique, -- id at Cloudflare; null for a database declared without one
  binding text not null unique,
  kind text not null check (kind in ('shared', 'pool', 'created')),
  shard integer not null default 0, -- which deployment of the Worker holds the binding
  state text not null check (state in ('free', 'claimed', 'wiping', 'creating', 'attached', 'detaching')),
  tenant_id text, -- who claimed it; null for the shared one and for free ones
  schema_version integer not null default 0,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create index databases_by_state on databases (kind, state);

create index databases_by_tenant on databases (tenant_id);

-- Durable lifecycle work. The row is the whole state: any instance can take it up where the last one died.
create table operations (
  id text not null primary key,
  tenant_id text not null,
  kind text not null,
  status text not null check (status in ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  step text not null, -- the step to do next
  attempt integer not null default 0, -- of that step
  input text not null, -- JSON: what was asked for
  state text not null default '{}', -- JSON: what the steps have found out
  error text, -- of the last attempt, in words for the operator
  initiated_by text not null,
  lease_holder text, -- who is working on it
  lease_until integer, -- after this moment somebody else may
  run_at integer not null, -- not before this moment
  created_at integer not null,
  updated_at integer not null,
  finished_at integer
) strict, without rowid;

create index operations_by_tenant on operations (tenant_id, created_at);

-- One at a time: whoever begins a second one is refused by the database itself.
create unique index operations_live on operations (tenant_id) where status in ('pending', 'running');

create index operations_due on operations (status, run_at);

-- What happened to an operation, step by step: rows are only ever added. The sequence is also what keeps two instances
-- from both going on with an operation: whoever writes an event second is refused, with everything else in its batch.
create table operation_events (
  operation_id text not null references operations (id),
  sequence integer not null,
  step text not null,
  outcome text not null check (outcome in ('succeeded', 'skipped', 'retried', 'failed')),
  attempt integer not null, -- of that step, from 1
  detail text, -- in words for the operator
  created_at integer not null,
  primary key (operation_id, sequence)
) strict, without rowid;
