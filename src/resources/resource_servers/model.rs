//! What an API is.

use crate::{http::Malformed, id::ResourceServerId, json, time::Lifetime};
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
    /// What its access tokens look like.
    #[serde(default, deserialize_with = "json::lenient")]
    pub token_dialect: Dialect,
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

/// What access tokens of an API look like (Auth0). All of them are of the type `at+jwt` and hold what RFC 9068 asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// With `azp`.
    #[default]
    AccessToken,
    /// The same with `permissions`, where policies are enforced.
    AccessTokenAuthz,
    /// Without `azp`, since RFC 9068 has `client_id`.
    Rfc9068Profile,
    /// The same with `permissions`, where policies are enforced.
    Rfc9068ProfileAuthz,
}

impl Dialect {
    /// Their names.
    pub const NAMES: [&str; 4] =
        ["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"];

    /// Whether it has `permissions`.
    pub fn has_permissions(self) -> bool {
        matches!(self, Self::AccessTokenAuthz | Self::Rfc9068ProfileAuthz)
    }

    /// Whether it is that of RFC 9068.
    pub fn is_rfc9068(self) -> bool {
        matches!(self, Self::Rfc9068Profile | Self::Rfc9068ProfileAuthz)
    }
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

/// The options that count, wherever they are set.
const COUNTING: [&str; 2] = ["enforce_policies", "token_dialect"];

/// Takes the options that count to where Auth0 has them.
///
/// # Errors
/// Words, if a body says two different things.
pub fn raise_options(body: &mut Map<String, Json>) -> Result<(), Malformed> {
    let options = body.get("options").and_then(Json::as_object);
    let options = options.into_iter().flat_map(|options| COUNTING.map(|name| (name, options.get(name))));
    let set =
        options.filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_null())?.clone())));
    for (name, value) in set.collect::<Vec<_>>() {
        match body.get(name).filter(|value| !value.is_null()) {
            Some(other) if *other != value => {
                return Err(Malformed(format!("options.{name} and {name} say different things")));
            }
            _ => drop(body.insert(name.to_owned(), value)),
        }
    }
    Ok(())
}

/// The names of scopes, as a document or a body lists them.
pub fn scope_names(scopes: Option<&Json>) -> Vec<String> {
    let items = scopes.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|scope| scope.get("value")?.as_str()).map(str::to_owned).collect()
}

/// Checks that each scope has a name, and is there once.
///
/// # Errors
/// Words that name the scope.
pub fn check_scopes(scopes: Option<&Json>) -> Result<(), Malformed> {
    let (names, mut seen) = (scope_names(scopes), BTreeSet::new());
    if scopes.and_then(Json::as_array).is_some_and(|scopes| scopes.len() != names.len()) {
        return Err(Malformed("'scopes' must hold scopes with a value".to_owned()));
    }
    match names.iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(Malformed(format!("scopes: {twice} is there more than once"))),
        None => Ok(()),
    }
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
