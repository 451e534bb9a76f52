//! What an API is.

use crate::{
    http::{
        Malformed,
        shape::{Kind, Member},
    },
    id::ResourceServerId,
    json,
    time::Lifetime,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
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
    const NAMES: [&str; 4] =
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

/// The members of an API that cannot be set.
pub const FIXED: &[&str] = &["id", "is_system", "created_at", "updated_at"];

/// What can be set of an API. Kinds that [`ResourceServer`] knows are its to check.
pub const MEMBERS: [Member; 18] = [
    Member::new("identifier", Kind::Any),
    Member::new("name", Kind::Any),
    Member::new("scopes", Kind::Any),
    Member::new("token_lifetime", Kind::Any),
    Member::new("token_lifetime_for_web", Kind::Integer(1, TOKEN_LIFETIME)).or_null(),
    Member::new("allow_offline_access", Kind::Any),
    Member::new("enforce_policies", Kind::Any),
    Member::new("token_dialect", Kind::Word(&Dialect::NAMES)).or_null(),
    Member::new("signing_alg", Kind::Any),
    Member::new("skip_consent_for_verifiable_first_party_clients", Kind::Flag).or_null(),
    Member::new("options", Kind::Object(&OPTIONS)).or_null(),
    Member::new("metadata", Kind::Document).or_null(),
    Member::new("verification_key", Kind::Text(1, 4096)).or_null(),
    Member::new("verificationKey", Kind::Text(1, 4096)).or_null(),
    Member::new("token_encryption", Kind::Document).or_null(),
    Member::new("consent_policy", Kind::Text(1, 64)).or_null(),
    Member::new("authorization_details", Kind::List(&Kind::Document, 10)).or_null(),
    Member::new("proof_of_possession", Kind::Document).or_null(),
];

/// What AuthHero keeps under `options`: there, the first two are where Auth0 has them at the top.
const OPTIONS: [Member; 7] = [
    Member::new("enforce_policies", Kind::Flag).or_null(),
    Member::new("token_dialect", Kind::Word(&Dialect::NAMES)).or_null(),
    Member::new("allow_skipping_userinfo", Kind::Flag).or_null(),
    Member::new("skip_userinfo", Kind::Flag).or_null(),
    Member::new("persist_client_authorization", Kind::Flag).or_null(),
    Member::new("enable_introspection_endpoint", Kind::Flag).or_null(),
    Member::new("mtls", Kind::Document).or_null(),
];

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

    /// Says under `options`, if there are any, what holds.
    pub fn settle_options(&mut self) {
        let (policies, dialect) = (self.document.enforce_policies, self.document.token_dialect);
        if let Some(Json::Object(options)) = self.document.other.get_mut("options") {
            options.insert("enforce_policies".to_owned(), json!(policies));
            options.insert("token_dialect".to_owned(), json!(dialect));
        }
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
