-- What has been accepted as a second factor, each once (RFC 6238 §5.2): a time step of an authenticator app, or, as step 0,
-- a recovery code.
-- moves: whole (no code is good on both sides)
create table spent_factors (
  tenant_id text not null,
  user_id text not null,
  method_id text not null,
  step integer not null,
  primary key (tenant_id, user_id, method_id, step)
) strict, without rowid;

-- How the person of a session has proven who they are, beyond a password: JSON, RFC 8176. Null: not at all.
alter table sessions add column amr text;
