-- Signing keys that were made ahead and belong to nobody yet. A new tenant takes one away from here.
create table spare_keys (
  kid text not null primary key,
  algorithm text not null,
  public_jwk text not null,
  private_jwk text not null, -- sealed by ENCRYPTION_KEY
  created_at integer not null
) strict, without rowid;
