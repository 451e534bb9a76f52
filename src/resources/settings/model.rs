//! What a tenant can set, and what holds when it does not.

use crate::time::Lifetime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The document at `/api/v2/tenants/settings`. What we do not interpret is kept as it came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Hours after which a session ends whatever happens; Auth0's default is 168.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_lifetime: Option<i64>,
    /// Hours without use after which a session ends; Auth0's default is 72.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_session_lifetime: Option<i64>,
    /// The audience of a request that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_audience: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Settings {
    /// How long a session lasts at the most.
    pub fn session_lifetime(&self) -> Lifetime {
        Lifetime::hours(self.session_lifetime.unwrap_or(168))
    }

    /// How long a session lasts without being used.
    pub fn idle_session_lifetime(&self) -> Lifetime {
        Lifetime::hours(self.idle_session_lifetime.unwrap_or(72))
    }
}
