//! SQL for resource servers.

use super::model::ResourceServer;
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::ResourceServerId,
    tenant::InTenant,
    time::Timestamp,
};

/// All APIs, oldest first.
pub fn all() -> Query<InTenant> {
    read(
        "select id, identifier, name, document, is_system from resource_servers where tenant_id = ?1 order by created_at, id",
    )
}

/// Adds an API.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn insert(server: &ResourceServer, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    let document =
        serde_json::to_value(&server.document).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(write(
        "insert into resource_servers (tenant_id, id, identifier, name, document, is_system, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )
    .bind(&server.id)
    .bind(server.identifier.as_str())
    .bind(server.name.as_str())
    .bind(&document)
    .bind(server.is_system)
    .bind(now))
}

/// Reads a row of [`all`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn resource_server(row: &Row) -> Result<ResourceServer, Fault> {
    Ok(ResourceServer {
        id: ResourceServerId::new(row.text("id")?),
        identifier: row.text("identifier")?,
        name: row.text("name")?,
        is_system: row.flag("is_system")?,
        document: row.json("document")?,
    })
}
