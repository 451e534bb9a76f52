//! When a session is alive.

use crate::{
    id::{ClientId, SessionId, UserId},
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
    /// When the person last proved who they are: `auth_time`.
    pub authenticated_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it ends unless it is used.
    pub idle_expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// Whether it still speaks for its user.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at && now < self.idle_expires_at
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
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it ends unless it is used.
    pub idle_expires_at: Timestamp,
}
