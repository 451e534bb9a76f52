//! When a session is alive.

use crate::{
    id::{SessionId, UserId},
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
