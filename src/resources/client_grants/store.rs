//! SQL for client grants.

use crate::{
    db::{Statement, write},
    id::ClientId,
    tenant::InTenant,
    time::Timestamp,
};

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
