//! What a connection is.

use crate::id::ConnectionId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The name of the database connection that every tenant is born with (Auth0).
pub const DATABASE: &str = "Username-Password-Authentication";

/// A source of identities.
#[derive(Debug, Clone, Serialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its name; immutable, since users refer to it.
    pub name: String,
    /// Its kind: `auth0` for a database.
    pub strategy: String,
    /// What can be set of it.
    #[serde(flatten)]
    pub document: Document,
}

/// The settings of a connection. What we do not interpret is kept as it came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Document {
    /// Shown on buttons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Settings that depend on the strategy; secrets are sealed before they come here.
    #[serde(default)]
    pub options: Map<String, Json>,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Connection {
    /// Whether its users have passwords of ours.
    pub fn is_database(&self) -> bool {
        matches!(self.strategy.as_str(), "auth0" | "Username-Password-Authentication")
    }

    /// Whether people may sign up themselves: yes unless `disable_signup` is set.
    pub fn allows_signup(&self) -> bool {
        self.document.options.get("disable_signup") != Some(&Json::Bool(true))
    }
}
