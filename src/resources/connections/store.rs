//! SQL for connections.

use super::model::Connection;
use crate::{
    db::{Query, Row, read},
    error::Fault,
    id::ConnectionId,
    tenant::InTenant,
};

/// All connections, oldest first.
pub fn all() -> Query<InTenant> {
    read("select id, name, strategy, document from connections where tenant_id = ?1 order by created_at, id")
}

/// The connection of this name; one row or none.
pub fn by_name(name: &str) -> Query<InTenant> {
    read("select id, name, strategy, document from connections where tenant_id = ?1 and name = ?2").bind(name)
}

/// What the secrets in the options of a connection are sealed for.
pub fn purpose(id: &ConnectionId) -> String {
    format!("connections.options {id}")
}

/// Reads a row of any of these.
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
