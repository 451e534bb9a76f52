//! What a role is.

use crate::{
    http::{
        Malformed,
        shape::{self, Kind, Member},
    },
    id::RoleId,
};
use serde::Serialize;
use serde_json::{Map, Value as Json};

/// A role.
#[derive(Debug, Clone, Serialize)]
pub struct Role {
    /// Its id, `rol_…`.
    pub id: RoleId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is ours: it can be given and taken, but not changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_system: bool,
}

/// What can be set of a role. Lengths are Auth0's.
const MEMBERS: [Member; 2] =
    [Member::new("name", Kind::Text(1, 50)), Member::new("description", Kind::Text(0, 255)).or_null()];

impl Role {
    /// A new role.
    ///
    /// # Errors
    /// Words that name the member that is missing, unknown or of the wrong kind.
    pub fn make(id: RoleId, body: Map<String, Json>) -> Result<Self, Malformed> {
        shape::require(&body, &["name"])?;
        Self { id, name: String::new(), description: None, is_system: false }.change(body)
    }

    /// The role with what the body sets of it.
    ///
    /// # Errors
    /// Words that name the member that is unknown or of the wrong kind.
    pub fn change(mut self, mut body: Map<String, Json>) -> Result<Self, Malformed> {
        shape::check(&body, &[&MEMBERS])?;
        if let Some(Json::String(name)) = body.remove("name") {
            self.name = name;
        }
        if let Some(description) = body.remove("description") {
            // An empty description is none.
            self.description = description.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        }
        Ok(self)
    }
}
