//! SQL for resource servers.

use super::model::ResourceServer;
use crate::{
    db::{self, Query, Row, Statement, page::Window, read, write},
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

/// A page of APIs, by id.
pub fn page(window: Window) -> Query<InTenant> {
    read(
        "select id, identifier, name, document, is_system from resource_servers where tenant_id = ?1
         order by id limit ?2 offset ?3",
    )
    .bind(window.size)
    .bind(window.start)
}

/// How many there are, as `total`.
pub fn count() -> Query<InTenant> {
    read("select count(*) as total from resource_servers where tenant_id = ?1")
}

/// The API with this id or identifier (Auth0 takes either); one row or none.
pub fn by_id_or_identifier(key: &str) -> Query<InTenant> {
    read(
        "select id, identifier, name, document, is_system from resource_servers
         where tenant_id = ?1 and (id = ?2 or identifier = ?2) order by id = ?2 desc limit 1",
    )
    .bind(key)
}

/// The API of this audience; one row or none.
pub fn by_identifier(identifier: &str) -> Query<InTenant> {
    read(
        "select id, identifier, name, document, is_system from resource_servers
         where tenant_id = ?1 and identifier = ?2",
    )
    .bind(identifier)
}

/// Adds an API. A taken identifier is a conflict of `resource_servers.identifier`.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn insert(server: &ResourceServer, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    Ok(write(
        "insert into resource_servers (tenant_id, id, identifier, name, document, is_system, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )
    .bind(&server.id)
    .bind(server.identifier.as_str())
    .bind(server.name.as_str())
    .bind(&document(server)?)
    .bind(server.is_system)
    .bind(now))
}

/// Refuses a batch if the API of a row of [`by_id_or_identifier`] has been changed since.
///
/// # Errors
/// A fault if it is the row of something else.
pub fn unchanged(row: &Row) -> Result<Statement<InTenant>, Fault> {
    db::unchanged("resource_servers", ("id", row.text("id")?.into()), &["name", "document"], row)
}

/// Replaces what can be set of an API.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn update(server: &ResourceServer, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    Ok(write(
        "update resource_servers set name = ?3, document = ?4, updated_at = ?5
         where tenant_id = ?1 and id = ?2",
    )
    .bind(&server.id)
    .bind(server.name.as_str())
    .bind(&document(server)?)
    .bind(now))
}

/// Takes these scopes (a JSON array) of an API from everybody who holds them: a scope that is defined again later is
/// another one.
pub fn withdraw(identifier: &str, scopes: &serde_json::Value) -> [Statement<InTenant>; 3] {
    [
        write(
            "delete from role_permissions where tenant_id = ?1 and resource_server_identifier = ?2
             and permission_name in (select value from json_each(?3))",
        )
        .bind(identifier)
        .bind(scopes),
        write(
            "delete from user_permissions /* all rows: an API rarely loses a permission */
             where tenant_id = ?1 and resource_server_identifier = ?2
             and permission_name in (select value from json_each(?3))",
        )
        .bind(identifier)
        .bind(scopes),
        write(
            "update client_grants set scope = (
               select json_group_array(value) from json_each(iif(json_valid(client_grants.scope), client_grants.scope, '[]'))
               where value not in (select value from json_each(?3)))
             where tenant_id = ?1 and audience = ?2",
        )
        .bind(identifier)
        .bind(scopes),
    ]
}

/// Removes an API with everything that was given of it.
pub fn remove(server: &ResourceServer) -> [Statement<InTenant>; 5] {
    let identifier = server.identifier.as_str();
    [
        write("delete from role_permissions where tenant_id = ?1 and resource_server_identifier = ?2")
            .bind(identifier),
        write("delete from user_permissions /* all rows: an API is rarely removed */ where tenant_id = ?1 and resource_server_identifier = ?2")
            .bind(identifier),
        write(
            "delete from organization_client_grants indexed by organization_client_grants_by_grant
             where tenant_id = ?1 and grant_id in (select id from client_grants where tenant_id = ?1 and audience = ?2)",
        )
        .bind(identifier),
        write("delete from client_grants where tenant_id = ?1 and audience = ?2").bind(identifier),
        write("delete from resource_servers where tenant_id = ?1 and id = ?2").bind(&server.id),
    ]
}

/// Reads a row of any of the reads above.
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

fn document(server: &ResourceServer) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(&server.document).map_err(|error| Fault::internal(error.to_string()))
}
