//! What a tenant can set, and what holds when it does not.

use crate::{
    http::{
        Malformed,
        shape::{self, Kind, Member},
    },
    resources::{
        clients::{model::AppType, urls::check_logout},
        endings::model::Cause,
    },
    time::Lifetime,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The document at `/api/v2/tenants/settings`. What we do not interpret is kept as it came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Hours after which a session ends whatever happens; Auth0's default is 168.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_lifetime: Option<i64>,
    /// Hours without use after which a session ends; Auth0's default is 72.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_session_lifetime: Option<i64>,
    /// The audience of a request that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_audience: Option<String>,
    /// Whether refresh tokens end when the person signs out of the session that they came of. Unless this is set, offline
    /// access outlives it (OpenID Connect Back-Channel Logout §2.7, Auth0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout_revokes_refresh_tokens: Option<bool>,
    /// When a second factor is asked for.
    #[serde(default, skip_serializing_if = "Mfa::is_unset")]
    pub mfa: Mfa,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// When a second factor is asked for. Auth0 has the policy at `/api/v2/guardian/policies`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mfa {
    /// Unless it says never, whoever has one is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// What becomes of somebody who has only factors that can't be checked here; unless they are ignored, nothing: they
    /// can't sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsupported_factors: Option<Unsupported>,
}

impl Mfa {
    fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a second factor is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Of whoever has one.
    Always,
    /// Of nobody.
    Never,
}

/// What becomes of somebody who has only factors that can't be checked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsupported {
    /// They can't sign in.
    Refuse,
    /// They sign in with the password alone.
    Ignore,
}

/// Auth0's defaults, in hours.
const SESSION_LIFETIME: i64 = 168;
const IDLE_SESSION_LIFETIME: i64 = 72;

/// A year: the longest session, in hours.
const YEAR: i64 = 8760;

const HOURS: Kind = Kind::Integer(1, YEAR);
const HTML: Kind = Kind::Text(0, 500_000);

/// What can be set. Null clears, at every level.
pub const MEMBERS: [Member; 37] = [
    Member::new("log_retention_days", Kind::Integer(1, 365)).or_null(),
    Member::new("friendly_name", Kind::Text(1, 255)).or_null(),
    Member::new("picture_url", Kind::Url).or_null(),
    Member::new("support_email", Kind::Email).or_null(),
    Member::new("support_url", Kind::Url).or_null(),
    Member::new("sender_email", Kind::Email).or_null(),
    Member::new("sender_name", Kind::Text(1, 255)).or_null(),
    Member::new("session_lifetime", HOURS).or_null(),
    Member::new("idle_session_lifetime", HOURS).or_null(),
    Member::new("ephemeral_session_lifetime", HOURS).or_null(),
    Member::new("idle_ephemeral_session_lifetime", HOURS).or_null(),
    Member::new("session_cookie", Kind::Object(&SESSION_COOKIE)).or_null(),
    Member::new("sessions", Kind::Flags).or_null(),
    Member::new("oidc_logout", Kind::Flags).or_null(),
    Member::new("logout_revokes_refresh_tokens", Kind::Flag).or_null(),
    Member::new("allowed_logout_urls", Kind::List(&Kind::Text(1, 2048), 100)).or_null(),
    Member::new("default_redirection_uri", Kind::Url).or_null(),
    Member::new("default_client_id", Kind::Text(1, 128)).or_null(),
    Member::new("default_audience", Kind::Text(1, 600)).or_null(),
    Member::new("default_directory", Kind::Text(1, 128)).or_null(),
    Member::new("default_organization", Kind::Text(1, 64)).or_null(),
    Member::new("enabled_locales", Kind::List(&Kind::Text(2, 35), 100)).or_null(),
    Member::new("error_page", Kind::Object(&ERROR_PAGE)).or_null(),
    Member::new("change_password", Kind::Object(&PAGE)).or_null(),
    Member::new("guardian_mfa_page", Kind::Object(&PAGE)).or_null(),
    Member::new("mfa", Kind::Object(&MFA)).or_null(),
    Member::new("device_flow", Kind::Object(&DEVICE_FLOW)).or_null(),
    Member::new("flags", Kind::Flags).or_null(),
    Member::new("mtls", Kind::Flags).or_null(),
    Member::new("sandbox_version", Kind::Text(1, 32)).or_null(),
    Member::new("legacy_sandbox_version", Kind::Text(0, 32)).or_null(),
    Member::new("acr_values_supported", Kind::List(&Kind::Text(1, 255), 50)).or_null(),
    Member::new("allow_organization_name_in_authentication_api", Kind::Flag).or_null(),
    Member::new("customize_mfa_in_postlogin_action", Kind::Flag).or_null(),
    Member::new("pushed_authorization_requests_supported", Kind::Flag).or_null(),
    Member::new("authorization_response_iss_parameter_supported", Kind::Flag).or_null(),
    Member::new("skip_non_verifiable_callback_uri_confirmation_prompt", Kind::Flag).or_null(),
];

const SESSION_COOKIE: [Member; 1] =
    [Member::new("mode", Kind::Word(&["persistent", "non-persistent"])).or_null()];

const ERROR_PAGE: [Member; 3] = [
    Member::new("html", HTML).or_null(),
    Member::new("show_log_link", Kind::Flag).or_null(),
    Member::new("url", Kind::Url).or_null(),
];

const PAGE: [Member; 2] = [Member::new("enabled", Kind::Flag).or_null(), Member::new("html", HTML).or_null()];

const MFA: [Member; 2] = [
    Member::new("policy", Kind::Word(&["always", "never"])).or_null(),
    Member::new("unsupported_factors", Kind::Word(&["refuse", "ignore"])).or_null(),
];

const DEVICE_FLOW: [Member; 2] = [
    Member::new("charset", Kind::Word(&["base20", "digits"])).or_null(),
    Member::new("mask", Kind::Text(1, 20)).or_null(),
];

/// The texts of a list, if it is one.
fn texts(list: Option<&Json>) -> Vec<String> {
    let items = list.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

impl Settings {
    /// Checks a change. What passes leaves a document that can be read: every request of the tenant reads it.
    ///
    /// # Errors
    /// Words that name the member that is unknown or of the wrong kind.
    pub fn check(patch: &Map<String, Json>) -> Result<(), Malformed> {
        shape::check(patch, &[&MEMBERS])?;
        for url in texts(patch.get("allowed_logout_urls")) {
            check_logout(&url, AppType::Native)
                .map_err(|why| Malformed(format!("allowed_logout_urls: {url:?} {why}")))?;
        }
        Ok(())
    }

    /// Where people may be sent after signing out of no client in particular (Auth0).
    pub fn allowed_logout_urls(&self) -> Vec<String> {
        texts(self.other.get("allowed_logout_urls"))
    }

    /// Whether apps leave out the question of RFC 8252 §8.6, unless they say so themselves (Auth0).
    pub fn skips_confirmation(&self) -> bool {
        self.other.get("skip_non_verifiable_callback_uri_confirmation_prompt") == Some(&Json::Bool(true))
    }

    /// Whether the discovery document names the endpoint to sign out at: yes, unless the tenant says otherwise (Auth0).
    pub fn shows_end_session_endpoint(&self) -> bool {
        let setting = self.other.get("oidc_logout");
        setting.and_then(|it| it.get("rp_logout_end_session_endpoint_discovery")) != Some(&Json::Bool(false))
    }

    /// The settings as they are shown: with the defaults that hold.
    pub fn shown(mut self) -> Self {
        self.session_lifetime.get_or_insert(SESSION_LIFETIME);
        self.idle_session_lifetime.get_or_insert(IDLE_SESSION_LIFETIME);
        self
    }

    /// Whether the userinfo endpoint takes an access token in its query (RFC 6750 §2.3): only if the tenant says so.
    pub fn takes_token_in_query(&self) -> bool {
        let flags = self.other.get("flags");
        flags.and_then(|flags| flags.get("allow_access_token_in_query")) == Some(&Json::Bool(true))
    }

    /// What a sign-out ends.
    pub fn sign_out(&self) -> Cause {
        if self.logout_revokes_refresh_tokens == Some(true) {
            Cause::SignedOutWithTokens
        } else {
            Cause::SignedOut
        }
    }

    /// How long a session lasts at the most.
    pub fn session_lifetime(&self) -> Lifetime {
        Lifetime::hours(self.session_lifetime.unwrap_or(SESSION_LIFETIME))
    }

    /// How long a session lasts without being used.
    pub fn idle_session_lifetime(&self) -> Lifetime {
        Lifetime::hours(self.idle_session_lifetime.unwrap_or(IDLE_SESSION_LIFETIME))
    }
}
