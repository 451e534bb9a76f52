//! SQL for connections.

use super::model::Connection;
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::ConnectionId,
    tenant::InTenant,
    time::Timestamp,
};

/// All connections, oldest first.
pub fn all() -> Query<InTenant> {
    read("select id, name, strategy, document from connections where tenant_id = ?1 order by created_at, id")
}

/// The connection of this name; one row or none.
pub fn by_name(name: &str) -> Query<InTenant> {
    read("select id, name, strategy, document from connections where tenant_id = ?1 and name = ?2").bind(name)
}

/// Adds a connection.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn insert(connection: &Connection, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    let document =
        serde_json::to_value(&connection.document).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(write(
        "insert into connections (tenant_id, id, name, strategy, document, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(&connection.id)
    .bind(connection.name.as_str())
    .bind(connection.strategy.as_str())
    .bind(&document)
    .bind(now))
}

/// Reads a row of [`all`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn connection(row: &Row) -> Result<Connection, Fault> {
    Ok(Connection {
        id: ConnectionId::new(row.text("id")?),
        name: row.text("name")?,
        strategy: row.text("strategy")?,
        document: row.json("document")?,
    })
}
