//! SQL for consents.

use super::model::Grant;
use crate::{
    db::{Query, Row, Statement, page::Window, read, write},
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

/// A page of consents, by id: those of a user, a client and an API, if given.
pub fn page(of: [Option<&str>; 3], window: Window) -> Query<InTenant> {
    let [user, client, audience] = of;
    read(
        "select id, user_id, client_id, audience, scope from grants indexed by grants_id
         where tenant_id = ?1 and id > '' and (?2 is null or user_id = ?2) and (?3 is null or client_id = ?3)
         and (?4 is null or audience = ?4) order by id limit ?5 offset ?6",
    )
    .bind(user)
    .bind(client)
    .bind(audience)
    .bind(window.size)
    .bind(window.start)
}

/// How many there are of those, as `total`.
pub fn count(of: [Option<&str>; 3]) -> Query<InTenant> {
    let [user, client, audience] = of;
    read(
        "select count(*) as total from grants where tenant_id = ?1 and (?2 is null or user_id = ?2)
         and (?3 is null or client_id = ?3) and (?4 is null or audience = ?4)",
    )
    .bind(user)
    .bind(client)
    .bind(audience)
}

/// The consent with this id; one row or none.
pub fn by_id(id: &str) -> Query<InTenant> {
    read("select id, user_id, client_id, audience, scope from grants where tenant_id = ?1 and id = ?2")
        .bind(id)
}

/// Reads a row of [`by_id`] or [`page`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn grant(row: &Row) -> Result<Grant, Fault> {
    Ok(Grant {
        id: row.text("id")?,
        client: ClientId::new(row.text("client_id")?),
        user_id: UserId::new(row.text("user_id")?),
        audience: row.text("audience")?,
        scope: scopes(row)?,
    })
}

/// Removes a consent, and revokes the refresh tokens that its client has of its person: they came of it, or of another
/// consent that will be asked for again.
pub fn take_back(id: &str, now: Timestamp) -> [Statement<InTenant>; 2] {
    [
        write(
            "update refresh_tokens indexed by refresh_tokens_by_user set revoked_at = ?3
             where tenant_id = ?1 and revoked_at is null
             and user_id = (select user_id from grants where tenant_id = ?1 and id = ?2)
             and client_id = (select client_id from grants where tenant_id = ?1 and id = ?2)",
        )
        .bind(id)
        .bind(now),
        write("delete from grants where tenant_id = ?1 and id = ?2").bind(id),
    ]
}
