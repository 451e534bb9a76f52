//! SQL for connections.

use super::model::Connection;
use crate::{
    db::{self, Query, Row, Statement, page::Window, read, write},
    error::Fault,
    id::ConnectionId,
    json,
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

/// Which of these ids (a JSON array) are connections.
pub fn existing(ids: &serde_json::Value) -> Query<InTenant> {
    read("select id from connections where tenant_id = ?1 and id in (select value from json_each(?2))")
        .bind(ids)
}

/// The connection with this id; one row or none.
pub fn by_id(id: &ConnectionId) -> Query<InTenant> {
    read("select id, name, strategy, document from connections where tenant_id = ?1 and id = ?2").bind(id)
}

/// A page of connections, by name: those of this name or strategy, if given.
pub fn page(name: Option<&str>, strategy: Option<&str>, window: Window) -> Query<InTenant> {
    read(
        "select id, name, strategy, document from connections where tenant_id = ?1
         and (?2 is null or name = ?2) and (?3 is null or strategy = ?3) order by name limit ?4 offset ?5",
    )
    .bind(name)
    .bind(strategy)
    .bind(window.size)
    .bind(window.start)
}

/// How many connections there are of this name or strategy, as `total`.
pub fn count(name: Option<&str>, strategy: Option<&str>) -> Query<InTenant> {
    read(
        "select count(*) as total from connections where tenant_id = ?1
         and (?2 is null or name = ?2) and (?3 is null or strategy = ?3)",
    )
    .bind(name)
    .bind(strategy)
}

/// Adds a connection. A taken name is a conflict of `connections.name`.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn insert(connection: &Connection, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    Ok(write(
        "insert into connections (tenant_id, id, name, strategy, document, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(&connection.id)
    .bind(connection.name.as_str())
    .bind(connection.strategy.as_str())
    .bind(document(connection)?)
    .bind(now))
}

/// Refuses a batch if the connection of a row of [`by_id`] has been changed since.
///
/// # Errors
/// A fault if it is the row of something else.
pub fn unchanged(row: &Row) -> Result<Statement<InTenant>, Fault> {
    db::unchanged("connections", ("id", row.text("id")?.into()), &["document"], row)
}

/// Replaces what can be set of a connection.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn update(connection: &Connection, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    Ok(write("update connections set document = ?3, updated_at = ?4 where tenant_id = ?1 and id = ?2")
        .bind(&connection.id)
        .bind(document(connection)?)
        .bind(now))
}

/// Removes a connection; its users are removed beside it.
pub fn remove(id: &ConnectionId) -> [Statement<InTenant>; 3] {
    [
        write("delete from organization_connections where tenant_id = ?1 and connection_id = ?2").bind(id),
        write("delete from external_ids where tenant_id = ?1 and connection_id = ?2").bind(id),
        write("delete from connections where tenant_id = ?1 and id = ?2").bind(id),
    ]
}

/// What the secrets in the options of a connection are sealed for.
pub fn purpose(id: &ConnectionId) -> String {
    format!("connections.options {id}")
}

fn document(connection: &Connection) -> Result<String, Fault> {
    json::write(&connection.document)
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
