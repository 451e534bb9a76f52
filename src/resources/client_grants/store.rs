//! SQL for client grants.

use super::model::ClientGrant;
use crate::{
    db::{Query, Row, Statement, page::Window, read, write},
    error::Fault,
    id::{ClientGrantId, ClientId},
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::json;

/// The grant with this id; one row or none.
pub fn by_id(id: &ClientGrantId) -> Query<InTenant> {
    read("select id, client_id, audience, scope from client_grants where tenant_id = ?1 and id = ?2").bind(id)
}

/// A page of the grants to a client, for an audience, or both; by id.
pub fn page(client: Option<&ClientId>, audience: Option<&str>, window: Window) -> Query<InTenant> {
    read(
        "select id, client_id, audience, scope from client_grants
         where tenant_id = ?1 and (?2 is null or client_id = ?2) and (?3 is null or audience = ?3)
         order by id limit ?4 offset ?5",
    )
    .bind(client)
    .bind(audience)
    .bind(window.size)
    .bind(window.start)
}

/// How many of them there are, as `total`.
pub fn count(client: Option<&ClientId>, audience: Option<&str>) -> Query<InTenant> {
    read(
        "select count(*) as total from client_grants
         where tenant_id = ?1 and (?2 is null or client_id = ?2) and (?3 is null or audience = ?3)",
    )
    .bind(client)
    .bind(audience)
}

/// Adds a grant. A second one of the same client and audience is a conflict of `client_grants.audience`.
pub fn insert(grant: &ClientGrant, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into client_grants (tenant_id, id, client_id, audience, scope, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(&grant.id)
    .bind(&grant.client_id)
    .bind(grant.audience.as_str())
    .bind(&json!(grant.scope))
    .bind(now)
}

/// Replaces the scopes of a grant.
pub fn update(grant: &ClientGrant, now: Timestamp) -> Statement<InTenant> {
    write("update client_grants set scope = ?3, updated_at = ?4 where tenant_id = ?1 and id = ?2")
        .bind(&grant.id)
        .bind(&json!(grant.scope))
        .bind(now)
}

/// Removes a grant.
pub fn remove(id: &ClientGrantId) -> Statement<InTenant> {
    write("delete from client_grants where tenant_id = ?1 and id = ?2").bind(id)
}

/// Reads a row of [`by_id`] or [`page`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn client_grant(row: &Row) -> Result<ClientGrant, Fault> {
    Ok(ClientGrant {
        id: ClientGrantId::new(row.text("id")?),
        client_id: ClientId::new(row.text("client_id")?),
        audience: row.text("audience")?,
        scope: row.json("scope")?,
    })
}

/// Grants scopes of an audience to a client at seeding; its id is a function of the client, so it cannot double.
pub fn insert_seeded(
    client: &ClientId,
    audience: &str,
    scope: &serde_json::Value,
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "insert into client_grants (tenant_id, id, client_id, audience, scope, created_at, updated_at)
         values (?1, 'cgr_' || ?2, ?2, ?3, ?4, ?5, ?5)",
    )
    .bind(client)
    .bind(audience)
    .bind(scope)
    .bind(now)
}
