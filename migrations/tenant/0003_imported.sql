-- What another server's tenants have and the foundation does not: brought by an import, kept for the features that use it.

-- An import into this tenant, and what it said of where it comes from.
-- moves: whole
create table imports (
  tenant_id text not null,
  id text not null,
  source text not null, -- the kind of server, e.g. authhero
  source_tenant text not null, -- the tenant's id there
  issuer text, -- whose tokens it brings
  live integer not null, -- 1: the tenant serves while it runs, and had rows of its own before
  status text not null, -- open, discarding, finished, discarded
  created_at integer not null,
  finished_at integer,
  primary key (tenant_id, id)
) strict, without rowid;

-- One import at a time, whoever begins a second one.
create unique index imports_open on imports (tenant_id) where status in ('open', 'discarding');

-- How many records of a table are stored: written with them, in one transaction.
-- moves: whole
create table import_checkpoints (
  tenant_id text not null,
  import_id text not null,
  table_name text not null,
  taken integer not null,
  updated_at integer not null,
  primary key (tenant_id, import_id, table_name)
) strict, without rowid;

-- Keys with which the server before signed for this tenant, and perhaps for others. There is no private half, so none of
-- them ever signs here: they verify tokens of that issuer for this tenant, until the last of those has expired.
-- moves: whole (no token stops validating)
create table former_keys (
  tenant_id text not null,
  issuer text not null,
  kid text not null,
  algorithm text not null,
  public_jwk text not null,
  tenant text not null, -- the id that those tokens name it by
  shared integer not null, -- 1: it signed for other tenants too, so a token must name this one
  trusted_until integer not null,
  created_at integer not null,
  primary key (tenant_id, issuer, kid)
) strict, without rowid;

-- Hashes of passwords that a person had before.
-- moves: whole
create table password_history (
  tenant_id text not null,
  user_id text not null,
  id text not null,
  hash text not null,
  created_at integer not null,
  primary key (tenant_id, user_id, id)
) strict, without rowid;

-- Second factors, passkeys and recovery codes.
-- moves: whole
create table authentication_methods (
  tenant_id text not null,
  id text not null,
  user_id text not null,
  type text not null, -- totp, phone, email, push, passkey, webauthn-platform, webauthn-roaming, recovery-code
  name text,
  confirmed integer not null,
  sealed_secret text, -- the seed of a totp, a recovery code
  phone_number text,
  credential_id text, -- base64url, of a passkey
  public_key text, -- base64url of a COSE key
  sign_count integer,
  backed_up integer,
  transports text, -- JSON array
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index authentication_methods_by_user on authentication_methods (tenant_id, user_id);

create unique index authentication_methods_credential on authentication_methods (tenant_id, credential_id);

-- What a person has consented to (Auth0: grants).
-- moves: whole
create table grants (
  tenant_id text not null,
  user_id text not null,
  client_id text not null,
  audience text not null, -- '' for a login about no API
  id text not null,
  scope text not null, -- JSON array
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, user_id, client_id, audience)
) strict, without rowid;

create unique index grants_id on grants (tenant_id, id);

-- What a directory that provisions users (SCIM) calls them.
-- moves: whole
create table external_ids (
  tenant_id text not null,
  connection_id text not null,
  user_id text not null,
  external_id text not null,
  created_at integer not null,
  primary key (tenant_id, connection_id, user_id)
) strict, without rowid;

create unique index external_ids_external on external_ids (tenant_id, connection_id, external_id);

create index external_ids_by_user on external_ids (tenant_id, user_id);

-- Invitations to organizations that have not been accepted.
-- moves: whole (the link in somebody's mail goes on working)
create table organization_invitations (
  tenant_id text not null,
  id text not null,
  organization_id text not null,
  client_id text not null,
  document text not null, -- inviter, invitee, connection_id, roles, metadata, ttl_sec
  ticket_digest text, -- SHA-256 hex of what the link holds
  created_at integer not null,
  expires_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index organization_invitations_by_organization on organization_invitations (tenant_id, organization_id);

create unique index organization_invitations_ticket on organization_invitations (tenant_id, ticket_digest);

-- Through which connections people sign in to an organization.
-- moves: whole
create table organization_connections (
  tenant_id text not null,
  organization_id text not null,
  connection_id text not null,
  assign_membership_on_login integer not null,
  show_as_button integer not null,
  is_signup_enabled integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, organization_id, connection_id)
) strict, without rowid;

-- Code, hooks, flows, forms, streams: what extends a tenant, as it was configured.
-- moves: whole
create table extensions (
  tenant_id text not null,
  kind text not null, -- action, action_version, hook, hook_code, flow, form, log_stream, …
  id text not null,
  name text,
  document text not null,
  sealed_secrets text, -- JSON
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, kind, id)
) strict, without rowid;

-- Logo, colors, font.
-- moves: whole
create table branding (
  tenant_id text not null primary key,
  document text not null,
  updated_at integer not null
) strict, without rowid;

-- An operator's own page around ours.
-- moves: whole
create table page_templates (
  tenant_id text not null primary key,
  body text not null,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

-- moves: whole
create table themes (
  tenant_id text not null,
  id text not null,
  document text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

-- How people are asked: identifier first, password first, …
-- moves: whole
create table prompt_settings (
  tenant_id text not null primary key,
  document text not null,
  updated_at integer not null
) strict, without rowid;

-- An operator's own words on a page.
-- moves: whole
create table custom_texts (
  tenant_id text not null,
  prompt text not null,
  language text not null,
  texts text not null, -- JSON
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, prompt, language)
) strict, without rowid;

-- Through whom the tenant sends mail.
-- moves: whole
create table email_providers (
  tenant_id text not null primary key,
  name text not null,
  enabled integer not null,
  default_from_address text,
  settings text not null, -- JSON
  sealed_credentials text, -- JSON
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

-- moves: whole
create table email_templates (
  tenant_id text not null,
  template text not null,
  document text not null, -- subject, body, from, syntax, …
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, template)
) strict, without rowid;

-- Host names of the tenant's own. One that is `ready` stands in the directory too; a `pending` one has yet to be proven.
-- moves: whole
create table custom_domains (
  tenant_id text not null,
  id text not null,
  domain text not null,
  is_primary integer not null,
  status text not null, -- pending, ready
  document text not null, -- type, tls_policy, domain_metadata, …
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create unique index custom_domains_domain on custom_domains (tenant_id, domain);

-- What the provider of an identity says of the person: JSON, as it came.
alter table users add column profile_data text;
