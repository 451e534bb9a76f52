//! What a tenant can set, and what holds when it does not.

use super::SETTINGS;
use crate::{
    http::Malformed,
    resources::{
        clients::{model::AppType, urls::check_logout},
        endings::model::Cause,
        engine::model::check_patch,
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
    /// The same in minutes, in place of the hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_lifetime_in_minutes: Option<i64>,
    /// The same in minutes, in place of the hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_session_lifetime_in_minutes: Option<i64>,
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
pub(super) const SESSION_LIFETIME: i64 = 168;
pub(super) const IDLE_SESSION_LIFETIME: i64 = 72;

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
        check_patch(&SETTINGS, patch.clone())?;
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
        lifetime(self.session_lifetime_in_minutes, self.session_lifetime, SESSION_LIFETIME)
    }

    /// How long a session lasts without being used.
    pub fn idle_session_lifetime(&self) -> Lifetime {
        lifetime(self.idle_session_lifetime_in_minutes, self.idle_session_lifetime, IDLE_SESSION_LIFETIME)
    }
}

fn lifetime(minutes: Option<i64>, hours: Option<i64>, default: i64) -> Lifetime {
    minutes.map_or_else(|| Lifetime::hours(hours.unwrap_or(default)), Lifetime::minutes)
}
