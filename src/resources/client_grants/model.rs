//! What a client grant is.

use crate::id::{ClientGrantId, ClientId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The scopes of an API that a client may have as a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientGrant {
    /// Its row id, `cgr_…`.
    pub id: ClientGrantId,
    /// The client; immutable.
    pub client_id: ClientId,
    /// The identifier of the API; immutable.
    pub audience: String,
    /// The scopes.
    #[serde(default)]
    pub scope: Vec<String>,
}

/// The members of a grant that cannot be set.
pub const FIXED: &[&str] = &["id"];

/// The members of a grant that cannot be changed.
pub const IMMUTABLE: &[&str] = &["id", "client_id", "audience"];

impl ClientGrant {
    /// Checks that each scope is there once and that the API defines it. What it does not define today could be
    /// defined tomorrow and mean anything.
    ///
    /// # Errors
    /// Words that name the scope.
    pub fn check(&self, defines: impl Fn(&str) -> bool) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for scope in &self.scope {
            if !defines(scope) {
                return Err(format!("scope: {} does not define {scope}", self.audience));
            }
            if !seen.insert(scope) {
                return Err(format!("scope: {scope} is there more than once"));
            }
        }
        Ok(())
    }
}
