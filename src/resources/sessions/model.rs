//! When a session is alive.

use crate::{
    id::{ClientId, SessionId, UserId},
    resources::{
        authentication_methods::model::{Demand, Factors},
        settings::model::Mfa,
    },
    secret::Digest,
    time::Timestamp,
};

/// A browser session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Public as `sid`.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The connection of their account.
    pub connection: String,
    /// The clients that they have signed in to with it.
    pub clients: Vec<ClientId>,
    /// When the person last proved who they are: `auth_time`.
    pub authenticated_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it ends unless it is used.
    pub idle_expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// Whether they have proven it by a second factor as well.
    pub has_second_factor: bool,
    /// What second factors they have by now.
    pub factors: Factors,
    /// When they were last signed out everywhere.
    pub signed_out_at: Option<Timestamp>,
}

impl Session {
    /// Whether it still speaks for its user.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at && now < self.idle_expires_at
    }

    /// What has to be proven yet before it speaks for its user: nothing, once a second factor was, for as long as it lives.
    pub fn demand(&self, mfa: &Mfa, is_asked: bool) -> Demand {
        if self.has_second_factor { Demand::Nothing } else { self.factors.demand(mfa, is_asked) }
    }
}

/// A session to be started.
pub struct NewSession<'a> {
    /// Public as `sid`.
    pub id: &'a SessionId,
    /// Of the cookie.
    pub digest: &'a Digest,
    /// Whose it is.
    pub user: &'a UserId,
    /// The client it began with.
    pub client: &'a ClientId,
    /// Where the browser is.
    pub ip: &'a str,
    /// What the browser says it is.
    pub user_agent: &'a str,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// By what beyond a password: JSON, RFC 8176.
    pub amr: Option<&'a str>,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it ends unless it is used.
    pub idle_expires_at: Timestamp,
}
