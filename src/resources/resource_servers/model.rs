//! What an API is.

use crate::{id::ResourceServerId, time::Lifetime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// An API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResourceServer {
    /// Its row id.
    pub id: ResourceServerId,
    /// The audience of its tokens; immutable.
    pub identifier: String,
    /// Shown to people; the identifier unless it is given.
    #[serde(default)]
    pub name: String,
    /// Whether it is ours: cannot be changed.
    #[serde(default)]
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
    /// What its tokens are signed with: `RS256`, as every token is.
    #[serde(default)]
    pub signing_alg: SigningAlgorithm,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// The algorithms that an API can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, by the tenant's key.
    #[default]
    RS256,
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

/// The members of an API that cannot be set.
pub const FIXED: &[&str] = &["id", "is_system", "created_at", "updated_at"];

/// The members of an API that cannot be changed.
pub const IMMUTABLE: &[&str] = &["id", "identifier", "is_system", "created_at", "updated_at"];

/// Auth0's limits: characters, scopes, and seconds (30 days).
const IDENTIFIER_LENGTH: usize = 600;
const NAME_LENGTH: usize = 200;
const SCOPE_LENGTH: usize = 280;
const SCOPES: usize = 1000;
const TOKEN_LIFETIME: i64 = 2_592_000;

impl ResourceServer {
    /// Checks what can be set: an identifier without spaces, scopes that are scope tokens (RFC 6749 §3.3) and each
    /// there once, a lifetime of at most 30 days.
    ///
    /// # Errors
    /// Words that name the member.
    pub fn check(&self) -> Result<(), String> {
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !(1..=IDENTIFIER_LENGTH).contains(&self.identifier.len()) || !visible(&self.identifier) {
            return Err(format!("identifier must be 1 to {IDENTIFIER_LENGTH} visible ASCII characters"));
        }
        if !(1..=NAME_LENGTH).contains(&self.name.chars().count()) || self.name.contains(['<', '>']) {
            return Err(format!("name must have 1 to {NAME_LENGTH} characters, without < and >"));
        }
        if self.document.scopes.len() > SCOPES {
            return Err(format!("scopes can hold {SCOPES} scopes"));
        }
        let mut seen = BTreeSet::new();
        for Permission { value, .. } in &self.document.scopes {
            let token = visible(value) && !value.contains(['"', '\\']);
            if !(1..=SCOPE_LENGTH).contains(&value.len()) || !token {
                return Err(format!(
                    "scopes: {value:?} must be 1 to {SCOPE_LENGTH} visible ASCII characters without \" and \\"
                ));
            }
            if !seen.insert(value) {
                return Err(format!("scopes: {value} is there more than once"));
            }
        }
        if self.document.token_lifetime.is_some_and(|seconds| !(1..=TOKEN_LIFETIME).contains(&seconds)) {
            return Err(format!("token_lifetime must be 1 to {TOKEN_LIFETIME} seconds"));
        }
        Ok(())
    }

    /// How long its access tokens last.
    pub fn token_lifetime(&self) -> Lifetime {
        Lifetime::seconds(self.document.token_lifetime.unwrap_or(86_400))
    }

    /// Whether it defines this permission.
    pub fn defines(&self, scope: &str) -> bool {
        self.document.scopes.iter().any(|permission| permission.value == scope)
    }
}
