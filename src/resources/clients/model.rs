//! What a client is, and what it may do.

use super::{
    backchannel, credentials,
    urls::{check_logout, check_origin, check_target},
};
use crate::{
    http::shape::{Kind, Member},
    id::{ClientGrantId, ClientId},
    json,
    secret::Digest,
    time::Lifetime,
};
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

/// ID tokens are read once, when they arrive.
const ID_TOKEN_LIFETIME: Lifetime = Lifetime::hours(10);

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

impl OrganizationUsage {
    const ALL: [Self; 3] = [Self::Deny, Self::Allow, Self::Require];

    /// Auth0's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::Require => "require",
        }
    }

    /// What a word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|usage| usage.as_str() == word)
    }
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
    /// For which other APIs its refresh tokens get access tokens (Auth0: multi-resource refresh tokens).
    #[serde(default, deserialize_with = "json::lenient", skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<RefreshTokenPolicy>,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl RefreshTokenSettings {
    /// With the values that hold where nothing is set: the types of the SDKs ask for both.
    pub fn settle(&mut self) {
        self.rotation_type.get_or_insert_with(|| "rotating".to_owned());
        let set = |name: &str| self.other.get(name) == Some(&Json::Bool(true));
        let never = set("infinite_token_lifetime") && set("infinite_idle_token_lifetime");
        let kind = if never { "non-expiring" } else { "expiring" };
        self.other.entry("expiration_type").or_insert_with(|| Json::from(kind));
    }
}

/// An API that refresh tokens of a client are good for beside the one that was signed in for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshTokenPolicy {
    /// Its identifier.
    pub audience: String,
    /// What may be asked of it.
    #[serde(default)]
    pub scope: Vec<String>,
}

/// A client with what only the server may know of it.
#[derive(Debug, Clone)]
pub struct ClientRecord {
    /// The client.
    pub client: Client,
    /// The digest of its secret, if it has one.
    pub secret: Option<Digest>,
    /// What it may get as a machine.
    pub grants: Vec<Granted>,
    /// Whether somebody who holds everything of the management API stands for it: only then it gets a person's permissions
    /// of that without asking them.
    pub vouched: bool,
}

/// What a client may get of an API as a machine.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The grant's row id.
    pub id: ClientGrantId,
    /// The identifier of the API.
    pub audience: String,
    /// The scopes.
    pub scope: Vec<String>,
    /// Whether its tokens name an organization.
    pub organization_usage: OrganizationUsage,
    /// Whether that may be any.
    pub allow_any_organization: bool,
}

/// The members of a client that cannot be set: ids and secrets are made here, dates are not shown (Auth0).
pub const FIXED: &[&str] = &["client_id", "client_secret", "tenant", "global", "created_at", "updated_at"];

/// What can be set of a client. Kinds that [`Client`] knows are its to check.
pub const MEMBERS: [Member; 56] = [
    Member::new("name", Kind::Any),
    Member::new("description", Kind::Any),
    Member::new("app_type", Kind::Any),
    Member::new("token_endpoint_auth_method", Kind::Any),
    Member::new("callbacks", Kind::Any),
    Member::new("allowed_logout_urls", Kind::Any),
    Member::new("web_origins", Kind::Any),
    Member::new("allowed_origins", Kind::Any),
    Member::new("grant_types", Kind::Any),
    Member::new("refresh_token", Kind::Object(&REFRESH_TOKEN)).or_null(),
    Member::new("organization_usage", Kind::Any),
    Member::new("is_first_party", Kind::Any),
    Member::new("client_metadata", Kind::Any),
    Member::new("logo_uri", Kind::Text(0, 2048)).or_null(),
    Member::new("oidc_logout", Kind::Object(&OIDC_LOGOUT)).or_null(),
    Member::new("jwt_configuration", Kind::Object(&JWT)).or_null(),
    Member::new("default_organization", Kind::Object(&DEFAULT_ORGANIZATION)).or_null(),
    Member::new("organization_require_behavior", Kind::Text(0, 64)).or_null(),
    Member::new("organization_discovery_methods", WORDS).or_null(),
    Member::new("initiate_login_uri", Kind::Text(0, 2048)).or_null(),
    Member::new("sso", Kind::Flag).or_null(),
    Member::new("sso_disabled", Kind::Flag).or_null(),
    Member::new("oidc_conformant", Kind::Flag).or_null(),
    Member::new("auth0_conformant", Kind::Flag).or_null(),
    Member::new("cross_origin_auth", Kind::Flag).or_null(),
    Member::new("cross_origin_authentication", Kind::Flag).or_null(),
    Member::new("cross_origin_loc", Kind::Text(0, 2048)).or_null(),
    Member::new("custom_login_page_on", Kind::Flag).or_null(),
    Member::new("custom_login_page", HTML).or_null(),
    Member::new("custom_login_page_preview", HTML).or_null(),
    Member::new("form_template", HTML).or_null(),
    Member::new("addons", Kind::Document).or_null(),
    Member::new("mobile", Kind::Document).or_null(),
    Member::new("native_social_login", Kind::Document).or_null(),
    Member::new("session_transfer", Kind::Document).or_null(),
    Member::new("encryption_key", Kind::Document).or_null(),
    Member::new("signed_request_object", Kind::Document).or_null(),
    Member::new("token_exchange", Kind::Document).or_null(),
    Member::new("token_quota", Kind::Document).or_null(),
    Member::new("express_configuration", Kind::Document).or_null(),
    Member::new("my_organization_configuration", Kind::Document).or_null(),
    Member::new("registration_metadata", Kind::Document).or_null(),
    Member::new("registration_type", Kind::Text(0, 64)).or_null(),
    Member::new("require_pushed_authorization_requests", Kind::Flag).or_null(),
    Member::new("require_proof_of_possession", Kind::Flag).or_null(),
    Member::new("skip_non_verifiable_callback_uri_confirmation_prompt", Kind::Flag).or_null(),
    Member::new("hide_sign_up_disabled_error", Kind::Flag).or_null(),
    Member::new("compliance_level", Kind::Text(0, 64)).or_null(),
    Member::new("third_party_security_mode", Kind::Text(0, 64)).or_null(),
    Member::new("redirection_policy", Kind::Text(0, 64)).or_null(),
    Member::new("resource_server_identifier", Kind::Text(0, 600)).or_null(),
    Member::new("owner_user_id", Kind::Text(0, 255)).or_null(),
    Member::new("user_linking_mode", Kind::Text(0, 64)).or_null(),
    Member::new("allowed_clients", WORDS).or_null(),
    Member::new("client_aliases", WORDS).or_null(),
    Member::new(credentials::NAME, Kind::Object(&credentials::METHODS)).or_null(),
];

/// How refresh tokens live: see [`RefreshTokenSettings`].
const REFRESH_TOKEN: [Member; 8] = [
    Member::new("rotation_type", Kind::Any),
    Member::new("expiration_type", Kind::Word(&["expiring", "non-expiring"])).or_null(),
    Member::new("leeway", Kind::Any),
    Member::new("token_lifetime", Kind::Any),
    Member::new("idle_token_lifetime", Kind::Any),
    Member::new("infinite_token_lifetime", Kind::Flag).or_null(),
    Member::new("infinite_idle_token_lifetime", Kind::Flag).or_null(),
    Member::new("policies", Kind::List(&Kind::Object(&REFRESH_POLICY), POLICIES)).or_null(),
];
const REFRESH_POLICY: [Member; 2] = [
    Member::new("audience", Kind::Text(1, 600)),
    Member::new("scope", Kind::List(&Kind::Text(1, 280), POLICY_SCOPES)),
];

const WORDS: Kind = Kind::List(&Kind::Text(1, 600), 100);
const HTML: Kind = Kind::Text(0, 100_000);

/// OpenID Connect Back-Channel Logout 1.0: see `backchannel`.
const OIDC_LOGOUT: [Member; 2] = [
    Member::new("backchannel_logout_urls", Kind::List(&Kind::Text(1, 2048), backchannel::URLS)).or_null(),
    Member::new("backchannel_logout_initiators", Kind::Object(&INITIATORS)).or_null(),
];
const INITIATORS: [Member; 2] = [
    Member::new("mode", Kind::Word(&["all", "custom"])),
    Member::new("selected_initiators", Kind::List(&Kind::Word(&backchannel::Initiator::NAMES), 20)).or_null(),
];

/// How ID tokens of a client look. They are signed with the tenant's key: a client that could verify an HS256 token could
/// make one too.
const JWT: [Member; 4] = [
    Member::new("lifetime_in_seconds", Kind::Integer(1, 2_592_000)).or_null(),
    Member::new("alg", Kind::Word(&["RS256"])).or_null(),
    Member::new("secret_encoded", Kind::Flag).or_null(),
    Member::new("scopes", Kind::Document).or_null(),
];

/// In which organization a machine acts that names none.
const DEFAULT_ORGANIZATION: [Member; 2] = [
    Member::new("organization_id", Kind::Text(1, 50)),
    Member::new("flows", Kind::List(&Kind::Word(&["client_credentials"]), 1)),
];

/// Auth0's limits: characters, entries, and seconds (five years).
const NAME_LENGTH: usize = 255;
const DESCRIPTION_LENGTH: usize = 140;
const URLS: usize = 100;
const METADATA_ENTRIES: usize = 10;
const METADATA_LENGTH: usize = 255;
const TOKEN_LIFETIME: i64 = 157_788_000;
const POLICIES: usize = 20;
const POLICY_SCOPES: usize = 100;

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
        self.check_credentials()?;
        self.check_urls()
    }

    fn check_urls(&self) -> Result<(), String> {
        type Check = fn(&str, AppType) -> Result<(), &'static str>;
        let lists: [(&str, &[String], Check); 4] = [
            ("callbacks", &self.callbacks, check_target),
            ("allowed_logout_urls", &self.allowed_logout_urls, check_logout),
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

    /// How long its ID tokens are valid: 10 hours unless it says otherwise (Auth0).
    pub fn id_token_lifetime(&self) -> Lifetime {
        let configuration = self.other.get("jwt_configuration");
        let seconds = configuration.and_then(|settings| settings.get("lifetime_in_seconds"));
        seconds.and_then(Json::as_i64).map_or(ID_TOKEN_LIFETIME, Lifetime::seconds)
    }

    /// Whether it has a secret to prove who it is with.
    pub fn is_confidential(&self) -> bool {
        self.token_endpoint_auth_method != AuthMethod::None
    }

    /// Whether people sign in to it anew although they have a session with another client (Auth0: `sso_disabled`).
    pub fn stands_alone(&self) -> bool {
        self.other.get("sso_disabled") == Some(&Json::Bool(true))
    }

    /// Whether it leaves out the question of RFC 8252 §8.6; `None` if the tenant decides (Auth0).
    pub fn skips_confirmation(&self) -> Option<bool> {
        self.other.get("skip_non_verifiable_callback_uri_confirmation_prompt").and_then(Json::as_bool)
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
        if self.policies.len() > POLICIES
            || self.policies.iter().any(|policy| policy.scope.len() > POLICY_SCOPES)
        {
            return Err(format!(
                "refresh_token: policies can hold {POLICIES} APIs with {POLICY_SCOPES} scopes each"
            ));
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
