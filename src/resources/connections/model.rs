//! What a connection is.

use crate::{
    http::{
        Malformed,
        shape::{self, Kind, Like, Member},
    },
    id::{ClientId, ConnectionId},
    json,
};
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

/// The kinds of connections (Auth0's names).
pub const STRATEGIES: [&str; 14] = [
    "auth0",
    "Username-Password-Authentication",
    "email",
    "sms",
    "apple",
    "facebook",
    "github",
    "google-oauth2",
    "oauth2",
    "oidc",
    "okta",
    "vipps",
    "waad",
    "windowslive",
];

/// The options that we interpret. The others belong to the strategy and are kept as they come.
pub const OPTIONS: [Member; 4] = [
    Member::new("passwordPolicy", Kind::Word(&["none", "low", "fair", "good", "excellent"])).or_null(),
    Member::new("password_complexity_options", Kind::Object(&COMPLEXITY)).or_null(),
    Member::new("disable_signup", Kind::Flag).or_null(),
    Member::new("brute_force_protection", Kind::Flag).or_null(),
];

const COMPLEXITY: [Member; 1] = [Member::new("min_length", Kind::Integer(1, 128)).or_null()];

/// The options that are secrets, whatever object they stand in.
const SECRETS: [&str; 9] = [
    "client_secret",
    "app_secret",
    "consumer_secret",
    "twilio_token",
    "bind_password",
    "private_key",
    "signing_key",
    "api_key",
    "access_token",
];

impl Connection {
    /// Whether its users have passwords of ours.
    pub fn is_database(&self) -> bool {
        matches!(self.strategy.as_str(), "auth0" | "Username-Password-Authentication")
    }

    /// Checks the length of a user name, where `validation.username` says how long one may be (Auth0).
    ///
    /// # Errors
    /// Words that say how long.
    pub fn check_username(&self, username: &str) -> Result<(), Malformed> {
        let lengths =
            self.document.options.get("validation").and_then(|validation| validation.get("username"));
        let length = |name: &str| lengths.and_then(|lengths| lengths.get(name)).and_then(Json::as_u64);
        let long = u64::try_from(username.chars().count()).unwrap_or(u64::MAX);
        match (length("min"), length("max")) {
            (Some(least), _) if long < least => {
                Err(Malformed(format!("'username' must have at least {least} characters")))
            }
            (_, Some(most)) if long > most => {
                Err(Malformed(format!("'username' must have at most {most} characters")))
            }
            _ => Ok(()),
        }
    }

    /// Whether wrong passwords are counted: yes unless `brute_force_protection` is false (Auth0).
    pub fn counts_failures(&self) -> bool {
        self.document.options.get("brute_force_protection") != Some(&Json::Bool(false))
    }

    /// Whether a client may use it: any, until `enabled_clients` has been set; then those in the list, and none if it is
    /// empty. Auth0 begins with an empty list; tenants here begin with a connection that is good for all of their clients.
    pub fn is_enabled_for(&self, client: &ClientId) -> bool {
        let listed = self.document.other.get("enabled_clients").and_then(Json::as_array);
        listed.is_none_or(|listed| listed.iter().any(|id| id.as_str() == Some(client.as_str())))
    }

    /// What the ids of users begin with who can be made here; `None` if its users come from elsewhere.
    pub fn provider(&self) -> Option<&'static str> {
        match self.strategy.as_str() {
            "email" => Some("email"),
            "sms" => Some("sms"),
            _ => self.is_database().then_some("auth0"),
        }
    }

    /// Whether people may sign up themselves: yes unless `disable_signup` is set.
    pub fn allows_signup(&self) -> bool {
        self.document.options.get("disable_signup") != Some(&Json::Bool(true))
    }
}

/// What a connection can be called.
pub static NAME: Like = Like {
    fits: |text| (1..=128).contains(&text.len()) && is_name(text),
    words: "1 to 128 letters, digits and single hyphens between them",
    longest: 128,
    example: "my-connection",
};

/// Checks options: of those that we interpret their kinds, and that every secret is text, which can be sealed.
///
/// # Errors
/// Words that name the option.
pub fn check_options(options: &Map<String, Json>) -> Result<(), Malformed> {
    let known = options.iter().filter(|(name, _)| OPTIONS.iter().any(|option| option.name == *name));
    let known = json::gather(known.map(|(name, value)| (name.clone(), value.clone())));
    shape::check(&known, &[&OPTIONS]).map_err(|why| Malformed(format!("options: {why}")))?;
    match unsealable(options) {
        Some(name) => Err(Malformed(format!("options: {name} is a secret and must be text"))),
        None => Ok(()),
    }
}

/// Auth0: letters and digits, with single hyphens between them.
fn is_name(name: &str) -> bool {
    name.split('-').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Every secret in options, to be sealed: what is text and not empty, however deep it stands.
pub fn secrets(options: &mut Map<String, Json>) -> Vec<&mut String> {
    let mut found = Vec::new();
    for (name, value) in options {
        match value {
            Json::String(text) => found.extend(Some(text).filter(|text| is_secret(name) && !text.is_empty())),
            nested => found.extend(secrets_in(nested)),
        }
    }
    found
}

fn secrets_in(value: &mut Json) -> Vec<&mut String> {
    match value {
        Json::Object(inner) => secrets(inner),
        Json::Array(items) => items.iter_mut().flat_map(secrets_in).collect(),
        _ => Vec::new(),
    }
}

/// The name of a secret that is not text, which nothing would seal.
fn unsealable(options: &Map<String, Json>) -> Option<&str> {
    options.iter().find_map(|(name, value)| match value {
        Json::String(_) | Json::Null => None,
        _ if is_secret(name) => Some(name.as_str()),
        nested => unsealable_in(nested),
    })
}

fn unsealable_in(value: &Json) -> Option<&str> {
    match value {
        Json::Object(inner) => unsealable(inner),
        Json::Array(items) => items.iter().find_map(unsealable_in),
        _ => None,
    }
}

/// Puts the sealed secrets of the old options where the new ones have none, or an empty one. Not in lists: nothing says
/// which item of the new list is which of the old, so a list comes with its secrets or loses them.
pub fn keep_secrets(options: &mut Map<String, Json>, old: &Map<String, Json>) {
    for (name, kept) in old {
        match (options.get_mut(name), kept) {
            (None, Json::String(_)) if is_secret(name) => {
                options.insert(name.clone(), kept.clone());
            }
            (Some(Json::String(new)), Json::String(kept)) if is_secret(name) && new.is_empty() => {
                kept.clone_into(new)
            }
            (Some(Json::Object(new)), Json::Object(kept)) => keep_secrets(new, kept),
            _ => {}
        }
    }
}

/// Takes every secret out of options.
pub fn hide(options: &mut Map<String, Json>) {
    options.retain(|name, _| !is_secret(name));
    options.values_mut().for_each(hide_in);
}

fn hide_in(value: &mut Json) {
    match value {
        Json::Object(inner) => hide(inner),
        Json::Array(items) => items.iter_mut().for_each(hide_in),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}
