//! What happened: the closed list of events, recorded beside the change that caused them.

pub mod blocks;
pub mod change;
pub mod store;

pub use change::Change;

use crate::{id::random_text, platform::Platform, time::Timestamp};
use serde_json::{Map, Value as Json, json};

/// The kinds of events, with Auth0's type codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `s`: signed in.
    SuccessLogin,
    /// `fu`: no such user.
    FailedLoginUnknownUser,
    /// `fp`: wrong password.
    FailedLoginPassword,
    /// `f`: not allowed to sign in.
    FailedLogin,
    /// `limit_wc`: too many failures for this account from this address.
    LimitWrongCredentials,
    /// `limit_mu`: too many failures from this address.
    LimitSuspiciousIp,
    /// `gd_auth_succeed`: a second factor was right.
    SuccessSecondFactor,
    /// `gd_recovery_succeed`: a recovery code was right, and is used up.
    SuccessRecovery,
    /// `gd_auth_failed`: a second factor was wrong.
    FailedSecondFactor,
    /// `gd_auth_rejected`: who has the password has no second factor that can be checked.
    RejectedSecondFactor,
    /// `gd_otp_rate_limit_exceed`: too many wrong codes for this account.
    LimitSecondFactor,
    /// `ss`: signed up.
    SuccessSignup,
    /// `fs`: sign-up refused.
    FailedSignup,
    /// `ssa`: signed in silently.
    SuccessSilentAuth,
    /// `slo`: signed out.
    SuccessLogout,
    /// `seacft`: code exchanged.
    SuccessExchangeCode,
    /// `feacft`: code refused.
    FailedExchangeCode,
    /// `sertft`: refresh token exchanged.
    SuccessExchangeRefreshToken,
    /// `fertft`: refresh token refused.
    FailedExchangeRefreshToken,
    /// `seccft`: machine token issued.
    SuccessExchangeClientCredentials,
    /// `oidc_backchannel_logout_succeeded`: an application was told that a session has ended.
    SuccessBackchannelLogout,
    /// `oidc_backchannel_logout_failed`: an application could not be told.
    FailedBackchannelLogout,
    /// `feccft`: machine token refused.
    FailedExchangeClientCredentials,
    /// `srrt`: refresh token revoked.
    SuccessRevocation,
    /// `sapi`: a change through the management API.
    SuccessApi,
    /// `mgmt_api_read`: the management API has shown a secret.
    ReadApi,
    /// `fapi`: refused by an API: the token is not taken, or does not allow it.
    FailedApi,
}

impl Kind {
    /// The code in the log.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SuccessLogin => "s",
            Self::FailedLoginUnknownUser => "fu",
            Self::FailedLoginPassword => "fp",
            Self::FailedLogin => "f",
            Self::LimitWrongCredentials => "limit_wc",
            Self::LimitSuspiciousIp => "limit_mu",
            Self::SuccessSecondFactor => "gd_auth_succeed",
            Self::SuccessRecovery => "gd_recovery_succeed",
            Self::FailedSecondFactor => "gd_auth_failed",
            Self::RejectedSecondFactor => "gd_auth_rejected",
            Self::LimitSecondFactor => "gd_otp_rate_limit_exceed",
            Self::SuccessSignup => "ss",
            Self::FailedSignup => "fs",
            Self::SuccessSilentAuth => "ssa",
            Self::SuccessLogout => "slo",
            Self::SuccessExchangeCode => "seacft",
            Self::FailedExchangeCode => "feacft",
            Self::SuccessExchangeRefreshToken => "sertft",
            Self::FailedExchangeRefreshToken => "fertft",
            Self::SuccessExchangeClientCredentials => "seccft",
            Self::SuccessBackchannelLogout => "oidc_backchannel_logout_succeeded",
            Self::FailedBackchannelLogout => "oidc_backchannel_logout_failed",
            Self::FailedExchangeClientCredentials => "feccft",
            Self::SuccessRevocation => "srrt",
            Self::SuccessApi => "sapi",
            Self::ReadApi => "mgmt_api_read",
            Self::FailedApi => "fapi",
        }
    }
}

/// One entry for the log. Holds ids, never secrets.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// In words.
    pub description: String,
    /// Who it happened to.
    pub user_id: Option<String>,
    /// Through which client.
    pub client_id: Option<String>,
    /// What else is known: who asked for it, which object it is about, and what changed. Nothing secret.
    pub details: Map<String, Json>,
}

impl Entry {
    /// An entry of nobody yet.
    pub fn new(kind: Kind, description: impl Into<String>) -> Self {
        Self { kind, description: description.into(), user_id: None, client_id: None, details: Map::new() }
    }

    /// An entry of a change.
    pub fn of(change: &Change) -> Self {
        let details = change.details();
        Self { details, ..Self::new(Kind::SuccessApi, change.description()) }
            .user(change.user().unwrap_or_default())
    }

    /// An entry of secrets of these objects (of one kind, Auth0's noun in the singular) that were shown.
    pub fn of_reading(description: impl Into<String>, kind: &'static str, ids: &[String]) -> Self {
        let mut entry = Self::new(Kind::ReadApi, description);
        let objects: Vec<Json> = ids.iter().map(|id| json!({ "type": kind, "id": id })).collect();
        match <[Json; 1]>::try_from(objects) {
            Ok([object]) => entry.details.insert("object".to_owned(), object),
            Err(objects) => entry.details.insert("objects".to_owned(), Json::Array(objects)),
        };
        entry
    }

    /// With the user it is about.
    pub fn user(mut self, user_id: &str) -> Self {
        self.user_id = Some(user_id.to_owned()).filter(|id| !id.is_empty());
        self
    }

    /// With the client it came through.
    pub fn client(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned()).filter(|id| !id.is_empty());
        self
    }
}

/// An id that sorts by time: 12 hex digits of milliseconds and 12 random letters.
pub fn log_id(platform: &dyn Platform, now: Timestamp) -> String {
    first_log_id(now) + &random_text(platform, 12)
}

/// What sorts before the id of every entry of this moment or later, and behind all earlier ones.
pub fn first_log_id(moment: Timestamp) -> String {
    format!("{:012x}", moment.millis())
}
