//! SQL for consents.

use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::{ClientId, UserId},
    secret::Digest,
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::json;

/// What the person of a session has let a client have of an API; `audience` is empty for a login about no API. One row or
/// none.
pub fn of_session(cookie: Option<&Digest>, client: &ClientId, audience: &str) -> Query<InTenant> {
    read(
        "select g.scope from sessions s
         join grants g on g.tenant_id = ?1 and g.user_id = s.user_id and g.client_id = ?3 and g.audience = ?4
         where s.tenant_id = ?1 and s.digest = ?2",
    )
    .bind(cookie)
    .bind(client)
    .bind(audience)
}

/// Reads a row of [`of_session`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn scopes(row: &Row) -> Result<Vec<String>, Fault> {
    row.json("scope")
}

/// Adds scopes to what a person lets a client have. `id` names the consent if it is their first.
pub fn give(
    user: &UserId,
    client: &ClientId,
    audience: &str,
    id: &str,
    scopes: &[&str],
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "insert into grants (tenant_id, user_id, client_id, audience, id, scope, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
         on conflict (tenant_id, user_id, client_id, audience) do update set updated_at = excluded.updated_at,
           scope = (select json_group_array(value) from (
             select value from json_each(iif(json_valid(grants.scope), grants.scope, '[]')) union select value from json_each(excluded.scope)))",
    )
    .bind(user)
    .bind(client)
    .bind(audience)
    .bind(id)
    .bind(&json!(scopes))
    .bind(now)
}

/// Revokes the refresh tokens that the client of a consent has of its person: they came of it, or of another consent that
/// will be asked for again.
pub fn revoke_tokens(id: &str, now: Timestamp) -> Statement<InTenant> {
    write(
        "update refresh_tokens indexed by refresh_tokens_by_user set revoked_at = ?3
         where tenant_id = ?1 and revoked_at is null
         and user_id = (select user_id from grants where tenant_id = ?1 and id = ?2)
         and client_id = (select client_id from grants where tenant_id = ?1 and id = ?2)",
    )
    .bind(id)
    .bind(now)
}
