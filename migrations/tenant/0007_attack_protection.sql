-- What is done about those who guess passwords and make accounts in bulk.

-- One document per tenant, as the management API shows it; a tenant without one has the defaults.
-- moves: whole
create table attack_protection (
  tenant_id text not null primary key,
  document text not null,
  updated_at integer not null
) strict, without rowid;
