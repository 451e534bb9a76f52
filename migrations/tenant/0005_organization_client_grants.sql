-- Machines that act inside organizations (Auth0: organizations for machine-to-machine applications).

-- Whether a token of this grant names an organization: deny, allow or require; null is deny.
alter table client_grants add column organization_usage text;

-- 1: any organization of the tenant, not only those below; null is 0.
alter table client_grants add column allow_any_organization integer;

-- In which organizations the client of a grant may act.
-- moves: whole
create table organization_client_grants (
  tenant_id text not null,
  organization_id text not null,
  grant_id text not null,
  created_at integer not null,
  primary key (tenant_id, organization_id, grant_id)
) strict, without rowid;

create index organization_client_grants_by_grant on organization_client_grants (tenant_id, grant_id);
