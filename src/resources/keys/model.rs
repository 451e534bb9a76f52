//! When a key signs and when it verifies.

use crate::{
    jose::{Algorithm, Jwk},
    secret::Sealed,
    time::Timestamp,
};

/// A signing key of a tenant.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The algorithm it is used with.
    pub algorithm: Algorithm,
    /// Its public half, as published; `kid` included.
    pub public: Jwk,
    /// Its private half, sealed; absent for a key that only verifies.
    pub private: Option<Sealed>,
    /// From when on it may sign.
    pub current_since: Timestamp,
    /// From when on it is not trusted any more.
    pub revoked_at: Option<Timestamp>,
}

impl SigningKey {
    /// Whether tokens it signed are accepted at `now`, and so whether it is published.
    pub fn verifies(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none_or(|revoked| now < revoked)
    }

    /// Whether it may sign at `now`. A key with an end in sight leaves signing to its successor.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.private.is_some() && self.revoked_at.is_none() && self.current_since <= now
    }
}
