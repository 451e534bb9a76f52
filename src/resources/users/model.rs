//! What a user is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// What is needed to make a user; the password travels beside it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NewUser {
    /// The connection they sign in through.
    pub connection: String,
    /// E-mail address, lower case.
    pub email: Option<String>,
    /// Whether the address has been proven.
    #[serde(default)]
    pub email_verified: bool,
    /// User name.
    pub username: Option<String>,
    /// Full name; shown as the address when absent (Auth0).
    pub name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Nickname; the part of the address before `@` when absent (Auth0).
    pub nickname: Option<String>,
    /// URL of a picture.
    pub picture: Option<String>,
    /// What the person may change.
    #[serde(default)]
    pub user_metadata: Map<String, Json>,
    /// What only the operator may change.
    #[serde(default)]
    pub app_metadata: Map<String, Json>,
    /// Whether they may not sign in.
    #[serde(default)]
    pub blocked: bool,
}

impl NewUser {
    /// The full name: as given, else the address, else the user name.
    pub fn display_name(&self) -> Option<&str> {
        self.name.as_deref().or(self.email.as_deref()).or(self.username.as_deref())
    }

    /// The nickname: as given, else what stands before the `@`, else the user name.
    pub fn short_name(&self) -> Option<&str> {
        let local = self.email.as_deref().and_then(|email| email.split('@').next());
        self.nickname.as_deref().or(local).or(self.username.as_deref())
    }
}
