-- When a user was last signed out everywhere: what was proven by them, or issued to them, before is worth nothing. It only
-- ever grows, so it also tells one state of their credentials from the next.
alter table users add column signed_out_at integer;

-- What a rotating refresh token was exchanged for: the lookup of its successor.
alter table refresh_tokens add column successor text;
