//! When a key signs and when it verifies.

use crate::{
    jose::{Algorithm, Jwk},
    secret::Sealed,
    time::{Lifetime, Timestamp},
};
use serde::Serialize;

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

/// A new key is published for so long before it signs. By then whoever keeps our key set has it: discovery lets it be kept
/// for five minutes and used for one more while it is fetched again.
pub const PUBLISHED_FIRST: Lifetime = Lifetime::minutes(6);

/// A key that has been followed by another verifies for at least so long, and for as long as a token of it may live.
pub const OVERLAP: Lifetime = Lifetime::hours(24);

impl SigningKey {
    /// Whether tokens it signed are accepted at `now`, and so whether it is published.
    pub fn verifies(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none_or(|revoked| now < revoked)
    }

    /// Whether it could sign at `now`. Of several the newest does, so a key that has a successor leaves signing to it as
    /// soon as that has started.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.private.is_some() && self.verifies(now) && self.current_since <= now
    }

    /// Whether it can go on signing without an end in sight.
    pub fn lasts(&self) -> bool {
        self.private.is_some() && self.revoked_at.is_none()
    }
}

/// When the keys that `next` follows stop verifying: when the last token that one of them signed has expired.
pub fn retires(next: &SigningKey, longest_token: Lifetime) -> Timestamp {
    next.current_since.plus(longest_token.max(OVERLAP))
}

/// A key as it is shown. Nothing of its private half.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// Its id.
    pub kid: String,
    /// What it is for (Auth0).
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The algorithm.
    pub algorithm: &'static str,
    /// Whether it signs.
    pub current: bool,
    /// Whether it will sign.
    pub next: bool,
    /// Whether it has signed and still verifies.
    pub previous: bool,
    /// From when on it signs.
    pub current_since: Timestamp,
    /// When it stops verifying, or stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Whether that has come.
    pub revoked: bool,
    /// The public key (RFC 7517).
    pub jwk: Jwk,
}

/// Keys, newest first, as they are shown at `now`.
pub fn shown(keys: &[SigningKey], now: Timestamp) -> Vec<Shown> {
    let current = keys.iter().position(|key| key.signs(now));
    let show = |(index, key): (usize, &SigningKey)| {
        let next = key.current_since > now && key.lasts();
        let revoked = !key.verifies(now);
        Shown {
            kid: key.public.kid.clone(),
            kind: "jwt_signing",
            algorithm: key.algorithm.as_str(),
            current: current == Some(index),
            next,
            previous: current != Some(index) && !next && !revoked,
            current_since: key.current_since,
            revoked_at: key.revoked_at,
            revoked,
            jwk: key.public.clone(),
        }
    };
    keys.iter().enumerate().map(show).collect()
}
