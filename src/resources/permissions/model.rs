//! What a permission is.

use crate::resources::resource_servers::model::ResourceServer;
use serde::{Deserialize, Serialize};

/// A scope of an API, as something to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// The identifier of the API.
    pub resource_server_identifier: String,
    /// The scope.
    pub permission_name: String,
}

/// The body of a request to give or to take permissions.
#[derive(Debug, Clone, Deserialize)]
pub struct Permissions {
    /// Which ones.
    pub permissions: Vec<Permission>,
}

/// How many can be given or taken at once.
const MAX: usize = 1000;

/// The APIs whose permissions can be held.
pub struct Catalogue<'a> {
    /// The name under which permissions of the management API are kept.
    pub management: String,
    /// What the management API defines.
    pub scopes: Vec<&'a str>,
    /// The other APIs.
    pub servers: &'a [ResourceServer],
}

impl Permissions {
    /// Them, if there are not too many.
    ///
    /// # Errors
    /// Words for the client if there are none, or too many.
    pub fn counted(self) -> Result<Vec<Permission>, String> {
        if self.permissions.is_empty() || self.permissions.len() > MAX {
            return Err(format!("'permissions' must hold 1 to {MAX} items"));
        }
        Ok(self.permissions)
    }
}

impl Catalogue<'_> {
    /// Checks that APIs define what is to be given, under their registered names.
    ///
    /// # Errors
    /// Words for the client that name the first one that none defines.
    pub fn check(&self, permissions: &[Permission]) -> Result<(), String> {
        match permissions.iter().find(|permission| !self.defines(permission)) {
            Some(Permission { resource_server_identifier: api, permission_name: name }) => {
                Err(format!("There is no permission {name} of a resource server {api}"))
            }
            None => Ok(()),
        }
    }

    fn defines(&self, permission: &Permission) -> bool {
        let Permission { resource_server_identifier: api, permission_name: name } = permission;
        if *api == self.management {
            return self.scopes.contains(&name.as_str());
        }
        self.servers.iter().any(|server| server.identifier == *api && server.defines(name))
    }
}

/// The names of those that are of the API with this identifier.
pub fn names_of<'a>(api: &'a str, permissions: &'a [Permission]) -> impl Iterator<Item = &'a str> {
    let of_it = permissions.iter().filter(move |permission| permission.resource_server_identifier == api);
    of_it.map(|permission| permission.permission_name.as_str())
}

/// Where a person has a permission from (Auth0).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// The role's id; empty for one that is held directly.
    pub source_id: String,
    /// The role's name; empty likewise.
    pub source_name: String,
    /// `ROLE` or `DIRECT`.
    pub source_type: String,
}

/// A permission as it is shown: with what its API says of it.
#[derive(Debug, Clone, Serialize)]
pub struct Described {
    /// The permission.
    #[serde(flatten)]
    pub permission: Permission,
    /// The name of the API.
    pub resource_server_name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where a person has it from; empty for one of a role.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

impl Described {
    /// The permission with what one of these APIs says of it.
    pub fn new(permission: Permission, sources: Vec<Source>, servers: &[ResourceServer]) -> Self {
        let server = servers.iter().find(|server| server.identifier == permission.resource_server_identifier);
        let scopes = server.map(|server| server.document.scopes.as_slice()).unwrap_or_default();
        let scope = scopes.iter().find(|scope| scope.value == permission.permission_name);
        let description = scope.and_then(|scope| scope.description.clone());
        let resource_server_name = server.map(|server| server.name.clone()).unwrap_or_default();
        Self { permission, resource_server_name, description, sources }
    }
}
