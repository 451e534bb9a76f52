-- The claims that a login asked for one by one (OpenID Connect Core §5.5), as JSON: a refresh gives them again.
alter table refresh_tokens add column claims text;
