//! What a connection is.

use crate::{
    http::{
        Malformed,
        shape::{self, Kind, Member},
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
const STRATEGIES: [&str; 14] = [
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

/// What a new connection must say and an old one cannot change.
pub const IMMUTABLE: [Member; 2] =
    [Member::new("name", Kind::Text(1, 128)), Member::new("strategy", Kind::Word(&STRATEGIES))];

/// What can be set of a connection.
pub const MEMBERS: [Member; 7] = [
    Member::new("display_name", Kind::Text(1, 128)).or_null(),
    Member::new("options", Kind::Document),
    Member::new("enabled_clients", Kind::List(&Kind::Text(1, 128), 1000)).or_null(),
    Member::new("realms", Kind::List(&Kind::Text(1, 128), 10)).or_null(),
    Member::new("is_domain_connection", Kind::Flag).or_null(),
    Member::new("show_as_button", Kind::Flag).or_null(),
    Member::new("metadata", Kind::Document).or_null(),
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
    /// A new connection; its secrets are not sealed yet.
    ///
    /// # Errors
    /// Words that name the member that is missing, unknown or of the wrong kind.
    pub fn make(id: ConnectionId, mut body: Map<String, Json>) -> Result<Self, Malformed> {
        shape::require(&body, &["name", "strategy"])?;
        shape::check(&body, &[&IMMUTABLE, &MEMBERS])?;
        let mut text = |name: &str| match body.remove(name) {
            Some(Json::String(text)) => text,
            _ => String::new(),
        };
        let (name, strategy) = (text("name"), text("strategy"));
        if !is_name(&name) {
            return Err(Malformed(
                "'name' must be of letters, digits and single hyphens between them".to_owned(),
            ));
        }
        let document = Document::default().change(body)?;
        Ok(Self { id, name, strategy, document })
    }

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

    /// The connection as it is shown: without secrets, sealed or not.
    pub fn shown(mut self) -> Self {
        hide(&mut self.document.options);
        self.document.other.entry("realms").or_insert_with(|| vec![Json::from(self.name.as_str())].into());
        self.document.other.entry("is_domain_connection").or_insert(Json::Bool(false));
        self
    }
}

impl Document {
    /// The settings with what the body sets of them; null clears. Options are replaced as a whole (Auth0), but a secret
    /// that does not come, or comes empty, stays what it was: nobody who changes options could read it. New secrets are
    /// not sealed yet.
    ///
    /// # Errors
    /// Words that name the member that is unknown or of the wrong kind.
    pub fn change(mut self, mut body: Map<String, Json>) -> Result<Self, Malformed> {
        shape::check(&body, &[&MEMBERS])?;
        if let Some(name) = body.remove("display_name") {
            self.display_name = name.as_str().map(str::to_owned);
        }
        if let Some(Json::Object(options)) = body.remove("options") {
            let known = options.iter().filter(|(name, _)| OPTIONS.iter().any(|option| option.name == *name));
            let known = json::gather(known.map(|(name, value)| (name.clone(), value.clone())));
            shape::check(&known, &[&OPTIONS]).map_err(|why| Malformed(format!("options: {why}")))?;
            if let Some(name) = unsealable(&options) {
                return Err(Malformed(format!("options: {name} is a secret and must be text")));
            }
            self.options = options;
        }
        self.other.extend(body);
        self.other.retain(|_, value| !value.is_null());
        Ok(self)
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
fn hide(options: &mut Map<String, Json>) {
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
