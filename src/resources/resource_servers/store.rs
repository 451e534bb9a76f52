//! SQL for resource servers.

use super::model::ResourceServer;
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::ResourceServerId,
    tenant::InTenant,
};

/// All APIs, oldest first.
pub fn all() -> Query<InTenant> {
    read(
        "select id, identifier, name, document, is_system from resource_servers where tenant_id = ?1 order by created_at, id",
    )
}

/// The API of this audience; one row or none.
pub fn by_identifier(identifier: &str) -> Query<InTenant> {
    read(
        "select id, identifier, name, document, is_system from resource_servers
         where tenant_id = ?1 and identifier = ?2",
    )
    .bind(identifier)
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

/// Takes the grants of an API out of every organization that they are associated with.
pub fn part_from_organizations(identifier: &str) -> Statement<InTenant> {
    write(
        "delete from organization_client_grants indexed by organization_client_grants_by_grant
         where tenant_id = ?1 and grant_id in (select id from client_grants where tenant_id = ?1 and audience = ?2)",
    )
    .bind(identifier)
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
