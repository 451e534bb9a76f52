//! What a client is, and what it may do.

use super::urls::{check_origin, check_target};
use crate::{id::ClientId, secret::Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A client as its users see it. What we do not interpret is kept as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    #[serde(default = "no_id")]
    pub client_id: ClientId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its kind, which decides the defaults.
    #[serde(default)]
    pub app_type: AppType,
    /// How it proves who it is at the token endpoint.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// Where codes and errors may be sent.
    #[serde(default)]
    pub callbacks: Vec<String>,
    /// Where people may be sent after signing out.
    #[serde(default)]
    pub allowed_logout_urls: Vec<String>,
    /// Origins of its pages, from which it may use a person's session (Auth0).
    #[serde(default)]
    pub web_origins: Vec<String>,
    /// Origins of its pages, from which it may call (Auth0).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// What it may ask the token endpoint for.
    #[serde(default)]
    pub grant_types: Vec<String>,
    /// How its refresh tokens live.
    #[serde(default)]
    pub refresh_token: RefreshTokenSettings,
    /// Whether people sign in to an organization: `deny` (default), `allow` or `require`.
    #[serde(default)]
    pub organization_usage: OrganizationUsage,
    /// Whether it is ours, so that no consent is asked.
    #[serde(default = "yes")]
    pub is_first_party: bool,
    /// The operator's own notes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub client_metadata: Map<String, Json>,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

fn no_id() -> ClientId {
    ClientId::new("")
}

fn yes() -> bool {
    true
}

/// Auth0's kinds of applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppType {
    /// An app on a device: public.
    Native,
    /// A single-page app: public.
    Spa,
    /// A web server: confidential.
    #[default]
    RegularWeb,
    /// A machine: confidential.
    NonInteractive,
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// It cannot keep a secret: PKCE protects its codes.
    None,
    /// Secret in the form. Either way of presenting the secret is accepted (Auth0).
    #[default]
    ClientSecretPost,
    /// Secret in the Basic header.
    ClientSecretBasic,
}

/// Whether people sign in to an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationUsage {
    /// Never.
    #[default]
    Deny,
    /// If the request names one.
    Allow,
    /// Always.
    Require,
}

/// How a client's refresh tokens live (Auth0's names; lifetimes in seconds).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RefreshTokenSettings {
    /// `rotating` (ours by default, RFC 9700 §4.14) or `non-rotating`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_type: Option<String>,
    /// Seconds during which a rotated token still answers, for clients that lost the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leeway: Option<i64>,
    /// Seconds until the family ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_lifetime: Option<i64>,
    /// Seconds without use until a token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_token_lifetime: Option<i64>,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// A client with what only the server may know of it.
#[derive(Debug, Clone)]
pub struct ClientRecord {
    /// The client.
    pub client: Client,
    /// The digest of its secret, if it has one.
    pub secret: Option<Digest>,
    /// What it may get as a machine: audience and scopes.
    pub grants: Vec<(String, Vec<String>)>,
}

/// The members of a client that cannot be set: ids and secrets are made here, dates are not shown (Auth0).
pub const FIXED: &[&str] = &["client_id", "client_secret", "tenant", "global", "created_at", "updated_at"];

/// Auth0's limits: characters, entries, and seconds (five years).
const NAME_LENGTH: usize = 255;
const DESCRIPTION_LENGTH: usize = 140;
const URLS: usize = 100;
const METADATA_ENTRIES: usize = 10;
const METADATA_LENGTH: usize = 255;
const TOKEN_LIFETIME: i64 = 157_788_000;

/// Fills in what follows from the kind of a new client, where it is not given (Auth0): apps and single-page apps are
/// public, a machine may do nothing but act for itself.
pub fn fill_in(members: &mut Map<String, Json>) {
    let kind = members.get("app_type").and_then(Json::as_str).unwrap_or("regular_web").to_owned();
    let method = if matches!(kind.as_str(), "native" | "spa") { "none" } else { "client_secret_post" };
    let grants: &[&str] = if kind == "non_interactive" {
        &["client_credentials"]
    } else {
        &["authorization_code", "refresh_token"]
    };
    members.entry("token_endpoint_auth_method").or_insert_with(|| method.into());
    members.entry("grant_types").or_insert_with(|| grants.into());
}

/// Puts the notes that are to stay beside those that change: `client_metadata` is merged, null removes an entry (Auth0).
pub fn merge_metadata(stored: &Client, changes: &mut Map<String, Json>) {
    if let Some(Json::Object(changed)) = changes.get_mut("client_metadata") {
        let mut merged = stored.client_metadata.clone();
        merged.append(changed);
        merged.retain(|_, value| !value.is_null());
        *changed = merged;
    }
}

impl Client {
    /// Checks what can be set.
    ///
    /// # Errors
    /// Words that name the member.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=NAME_LENGTH).contains(&self.name.chars().count()) || self.name.contains(['<', '>']) {
            return Err(format!("name must have 1 to {NAME_LENGTH} characters, without < and >"));
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_LENGTH) {
            return Err(format!("description can have {DESCRIPTION_LENGTH} characters"));
        }
        let short = |text: &str| text.chars().count() <= METADATA_LENGTH;
        let fits = |(key, value): (&String, &Json)| short(key) && value.as_str().is_some_and(short);
        if self.client_metadata.len() > METADATA_ENTRIES || !self.client_metadata.iter().all(fits) {
            return Err(format!(
                "client_metadata can hold {METADATA_ENTRIES} texts of at most {METADATA_LENGTH} characters"
            ));
        }
        if !self.is_confidential() && self.allows("client_credentials") {
            return Err(
                "grant_types: client_credentials is only for a client that can prove who it is".to_owned()
            );
        }
        self.refresh_token.check()?;
        self.check_urls()
    }

    fn check_urls(&self) -> Result<(), String> {
        type Check = fn(&str, AppType) -> Result<(), &'static str>;
        let lists: [(&str, &[String], Check); 4] = [
            ("callbacks", &self.callbacks, check_target),
            ("allowed_logout_urls", &self.allowed_logout_urls, check_target),
            ("web_origins", &self.web_origins, check_origin),
            ("allowed_origins", &self.allowed_origins, check_origin),
        ];
        for (name, urls, check) in lists {
            if urls.len() > URLS {
                return Err(format!("{name} can hold {URLS} URLs"));
            }
            for url in urls {
                check(url, self.app_type).map_err(|why| format!("{name}: {url:?} {why}"))?;
            }
        }
        Ok(())
    }

    /// Whether it has a secret to prove who it is with.
    pub fn is_confidential(&self) -> bool {
        self.token_endpoint_auth_method != AuthMethod::None
    }

    /// Whether it may use this grant type.
    pub fn allows(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}

impl RefreshTokenSettings {
    fn check(&self) -> Result<(), String> {
        let rotation = self.rotation_type.as_deref();
        if rotation.is_some_and(|rotation| !matches!(rotation, "rotating" | "non-rotating")) {
            return Err("refresh_token: rotation_type must be rotating or non-rotating".to_owned());
        }
        for (name, seconds, least) in [
            ("leeway", self.leeway, 0),
            ("token_lifetime", self.token_lifetime, 1),
            ("idle_token_lifetime", self.idle_token_lifetime, 1),
        ] {
            if seconds.is_some_and(|seconds| !(least..=TOKEN_LIFETIME).contains(&seconds)) {
                return Err(format!("refresh_token: {name} must be {least} to {TOKEN_LIFETIME} seconds"));
            }
        }
        Ok(())
    }
}
