//! What a client is, and what it may do.

use crate::{id::ClientId, secret::Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A client as its users see it. What we do not interpret is kept as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    #[serde(skip_deserializing, default = "no_id")]
    pub client_id: ClientId,
    /// Its name.
    #[serde(skip_deserializing)]
    pub name: String,
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
    /// Origins of its pages.
    #[serde(default)]
    pub web_origins: Vec<String>,
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

impl Client {
    /// Whether it may use this grant type.
    pub fn allows(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}
