-- What a tenant owns. Every table begins with tenant_id, in a shared database and in one of its own, so that a tenant
-- is a set of rows. Moments are integer milliseconds, flags 0 or 1, lists and documents JSON text.
-- `moves:` says what a move to another database does with the table; a table without it fails the build.
-- A statement ends with a semicolon at the end of a line; a trigger with `end;` at the start of one.

-- The fence. A row here refuses every write of handles older than `epoch`, inside the writing transaction itself.
-- moves: never (each side of a move has its own)
create table fences (
  tenant_id text not null primary key,
  epoch integer not null,
  reason text not null
) strict, without rowid;

-- Every batch of writes begins with an insert here, which stores nothing.
create view write_guard (tenant_id, epoch) as select '', 0 where false;

create trigger write_guard_fence instead of insert on write_guard
when exists (select 1 from fences where tenant_id = new.tenant_id and epoch > new.epoch)
begin
  select raise(abort, 'gatehouse: fenced');
end;

-- Tenant settings: what Auth0 keeps at /api/v2/tenants/settings. Keys that are absent come from the main tenant.
-- moves: whole
create table settings (
  tenant_id text not null primary key,
  document text not null,
  updated_at integer not null
) strict, without rowid;

-- The key that seals this tenant's secrets, wrapped by ENCRYPTION_KEY.
-- moves: whole
create table data_keys (
  tenant_id text not null,
  id text not null, -- immutable
  wrapped text not null,
  created_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

-- Signing keys. The newest one that has started and is not revoked signs; all that are not revoked verify.
-- moves: whole
create table signing_keys (
  tenant_id text not null,
  kid text not null, -- RFC 7638 thumbprint, kept on import; immutable
  algorithm text not null,
  public_jwk text not null,
  private_jwk text, -- sealed; null for a key that only verifies
  current_since integer not null,
  revoked_at integer, -- from this moment on it neither signs nor verifies
  created_at integer not null,
  primary key (tenant_id, kid)
) strict, without rowid;

-- moves: whole
create table connections (
  tenant_id text not null,
  id text not null,
  name text not null,
  strategy text not null,
  document text not null, -- display_name, options, realms …
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create unique index connections_name on connections (tenant_id, name);

-- moves: whole
create table clients (
  tenant_id text not null,
  client_id text not null,
  name text not null,
  document text not null, -- everything else that Auth0 keeps of an application, but no secret
  secret_digest text, -- SHA-256 hex; null for a public client
  sealed_secret text, -- to be shown again to who may read client keys
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, client_id)
) strict, without rowid;

-- moves: whole
create table client_grants (
  tenant_id text not null,
  id text not null,
  client_id text not null,
  audience text not null,
  scope text not null, -- JSON array
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, client_id, audience)
) strict, without rowid;

create unique index client_grants_id on client_grants (tenant_id, id);

-- moves: whole
create table resource_servers (
  tenant_id text not null,
  id text not null,
  identifier text not null, -- the audience; immutable
  name text not null,
  document text not null, -- scopes, token_lifetime, allow_offline_access, enforce_policies …
  is_system integer not null default 0,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create unique index resource_servers_identifier on resource_servers (tenant_id, identifier);

-- moves: whole
create table roles (
  tenant_id text not null,
  id text not null,
  name text not null,
  description text,
  is_system integer not null default 0,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create unique index roles_name on roles (tenant_id, name);

-- moves: whole
create table role_permissions (
  tenant_id text not null,
  role_id text not null,
  resource_server_identifier text not null,
  permission_name text not null,
  created_at integer not null,
  primary key (tenant_id, role_id, resource_server_identifier, permission_name)
) strict, without rowid;

-- moves: whole
create table users (
  tenant_id text not null,
  user_id text not null, -- {provider}|{id}; immutable
  connection text not null,
  provider text not null,
  email text, -- lower case
  email_verified integer not null default 0,
  username text,
  phone_number text,
  phone_verified integer not null default 0,
  name text,
  given_name text,
  family_name text,
  nickname text,
  picture text,
  profile text not null default '{}', -- JSON: the other standard claims
  user_metadata text not null default '{}',
  app_metadata text not null default '{}',
  blocked integer not null default 0,
  linked_to text, -- user_id of the account this identity belongs to; null for an account
  last_login integer,
  last_ip text,
  logins_count integer not null default 0,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, user_id)
) strict, without rowid;

create unique index users_email on users (tenant_id, connection, email);

create unique index users_username on users (tenant_id, connection, username);

create index users_by_email on users (tenant_id, email);

-- The identities of an account; and, where linked_to is null, the accounts in the order in which they are listed.
create index users_by_link on users (tenant_id, linked_to, created_at, user_id);

-- The current password of a user of a database connection.
-- moves: whole
create table passwords (
  tenant_id text not null,
  user_id text not null,
  hash text not null, -- PHC string (Argon2id), or the modular form it was imported in
  changed_at integer not null,
  primary key (tenant_id, user_id)
) strict, without rowid;

-- Roles of a user; organization_id is '' for everywhere.
-- moves: whole
create table user_roles (
  tenant_id text not null,
  user_id text not null,
  organization_id text not null default '',
  role_id text not null,
  created_at integer not null,
  primary key (tenant_id, user_id, organization_id, role_id)
) strict, without rowid;

create index user_roles_by_role on user_roles (tenant_id, role_id);

create index user_roles_by_organization on user_roles (tenant_id, organization_id);

-- Permissions given directly; organization_id is '' for everywhere.
-- moves: whole
create table user_permissions (
  tenant_id text not null,
  user_id text not null,
  organization_id text not null default '',
  resource_server_identifier text not null,
  permission_name text not null,
  created_at integer not null,
  primary key (tenant_id, user_id, organization_id, resource_server_identifier, permission_name)
) strict, without rowid;

-- moves: whole
create table organizations (
  tenant_id text not null,
  id text not null,
  name text not null,
  display_name text,
  document text not null default '{}', -- branding, metadata
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create unique index organizations_name on organizations (tenant_id, name);

-- moves: whole
create table organization_members (
  tenant_id text not null,
  organization_id text not null,
  user_id text not null,
  created_at integer not null,
  primary key (tenant_id, organization_id, user_id)
) strict, without rowid;

create index organization_members_by_user on organization_members (tenant_id, user_id);

-- Browser sessions. The cookie is a secret of which only the digest is here; `id` is the public `sid`.
-- moves: whole (people stay signed in)
create table sessions (
  tenant_id text not null,
  id text not null,
  digest text not null,
  user_id text not null,
  clients text not null default '[]', -- JSON: client ids that have used it
  ip text,
  user_agent text,
  authenticated_at integer not null,
  created_at integer not null,
  used_at integer not null,
  expires_at integer not null,
  idle_expires_at integer not null,
  revoked_at integer,
  primary key (tenant_id, id)
) strict, without rowid;

create unique index sessions_digest on sessions (tenant_id, digest);

create index sessions_by_user on sessions (tenant_id, user_id);

create index sessions_by_expiry on sessions (tenant_id, expires_at);

-- Authorization codes, by digest. Kept for a while after use: a second use revokes what came of the first.
-- moves: whole (a code in flight is redeemed on the other side)
create table codes (
  tenant_id text not null,
  digest text not null,
  client_id text not null,
  user_id text not null,
  session_id text not null,
  family_id text not null, -- of the refresh tokens that will come of it
  request text not null, -- JSON: redirect_uri, code_challenge, scope, audience, nonce, organization
  authenticated_at integer not null,
  created_at integer not null,
  expires_at integer not null,
  used_at integer,
  primary key (tenant_id, digest)
) strict, without rowid;

create index codes_by_expiry on codes (tenant_id, expires_at);

create index codes_by_user on codes (tenant_id, user_id);

-- Refresh tokens: `rt_{lookup}.{secret}` on the wire.
-- moves: whole (apps stay signed in)
create table refresh_tokens (
  tenant_id text not null,
  id text not null,
  lookup text not null,
  digest text not null, -- SHA-256 hex of the secret part
  family_id text not null, -- all tokens that descend from one login
  client_id text not null,
  user_id text not null,
  session_id text,
  audience text not null,
  scope text not null,
  organization_id text,
  rotating integer not null,
  authenticated_at integer not null,
  created_at integer not null,
  expires_at integer, -- null: never
  idle_expires_at integer, -- null: never
  rotated_at integer, -- exchanged for a newer one; good for a short leeway still
  revoked_at integer,
  primary key (tenant_id, id)
) strict, without rowid;

create unique index refresh_tokens_lookup on refresh_tokens (tenant_id, lookup);

create index refresh_tokens_by_family on refresh_tokens (tenant_id, family_id);

create index refresh_tokens_by_user on refresh_tokens (tenant_id, user_id);

create index refresh_tokens_by_expiry on refresh_tokens (tenant_id, expires_at);

-- Failed sign-ins per identifier and address, for brute-force protection.
-- moves: whole (no lock is lifted by a move)
create table login_attempts (
  tenant_id text not null,
  key text not null, -- SHA-256 of connection, identifier and address
  failures integer not null,
  expires_at integer not null,
  primary key (tenant_id, key)
) strict, without rowid;

create index login_attempts_by_expiry on login_attempts (tenant_id, expires_at);

-- What happened. Only ever added to.
-- moves: whole
create table logs (
  tenant_id text not null,
  id text not null, -- sorts by time
  type text not null, -- Auth0's event code
  date integer not null,
  user_id text,
  client_id text,
  ip text,
  user_agent text,
  description text,
  details text, -- JSON
  primary key (tenant_id, id)
) strict, without rowid;

create index logs_by_user on logs (tenant_id, user_id, id);
