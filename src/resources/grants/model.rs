//! What a consent is.

use crate::id::{ClientId, UserId};
use serde::Serialize;

/// A consent as it is shown (Auth0's names).
#[derive(Debug, Serialize)]
pub struct Grant {
    /// Its id.
    pub id: String,
    /// Who may have what was agreed to.
    #[serde(rename = "clientID")]
    pub client: ClientId,
    /// Who has agreed.
    pub user_id: UserId,
    /// The API; empty for a login about none.
    pub audience: String,
    /// The scopes.
    pub scope: Vec<String>,
}
