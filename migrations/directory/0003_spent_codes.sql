-- Codes of read-only tenants that have been used. Such a code is kept nowhere else: it holds everything itself.
create table spent_codes (
  digest text not null primary key,
  expires_at integer not null
) strict, without rowid;

create index spent_codes_by_expiry on spent_codes (expires_at);
