//! What an API is.

use crate::{id::ResourceServerId, time::Lifetime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// An API.
#[derive(Debug, Clone, Serialize)]
pub struct ResourceServer {
    /// Its row id.
    pub id: ResourceServerId,
    /// The audience of its tokens; immutable.
    pub identifier: String,
    /// Shown to people.
    pub name: String,
    /// Whether it is ours: cannot be changed.
    pub is_system: bool,
    /// What can be set of it.
    #[serde(flatten)]
    pub document: Document,
}

/// The settings of an API. What we do not interpret is kept as it came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Document {
    /// The permissions that it defines.
    #[serde(default)]
    pub scopes: Vec<Permission>,
    /// Seconds an access token lasts; Auth0's default is 86400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_lifetime: Option<i64>,
    /// Whether refresh tokens may be issued for it.
    #[serde(default)]
    pub allow_offline_access: bool,
    /// Role-based access control: a person gets only the permissions they hold.
    #[serde(default)]
    pub enforce_policies: bool,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// A permission of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Its name, used as a scope.
    pub value: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl ResourceServer {
    /// How long its access tokens last.
    pub fn token_lifetime(&self) -> Lifetime {
        Lifetime::seconds(self.document.token_lifetime.unwrap_or(86_400))
    }

    /// Whether it defines this permission.
    pub fn defines(&self, scope: &str) -> bool {
        self.document.scopes.iter().any(|permission| permission.value == scope)
    }
}
