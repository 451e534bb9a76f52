//! What a key of the server before is still good for: verifying, only tokens of that server, only those of this tenant,
//! and only until the last of them has expired. It has no private half here, so it can never sign.
//!
//! It does not manage: an old token opens the userinfo endpoint, never the management API, because whoever still holds
//! that server's key could make such tokens. And it is published only where that server's issuer is the host's own (a
//! domain that came along): under any other issuer, whoever trusts our key set would trust what other tenants' tokens were
//! signed with.

use crate::{
    jose::{Claims, Jwk},
    time::Timestamp,
};

/// A key of the server before.
#[derive(Debug, Clone)]
pub struct FormerKey {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Its public half, with its `kid`.
    pub public: Jwk,
    /// The id by which its tokens name this tenant.
    pub tenant: String,
    /// Whether it signed for other tenants too.
    pub shared: bool,
    /// When the last of its tokens has expired.
    pub trusted_until: Timestamp,
}

impl FormerKey {
    /// Whether it still verifies anything.
    pub fn verifies(&self, now: Timestamp) -> bool {
        now < self.trusted_until
    }

    /// Whether what it signed is for this tenant: a token of its issuer, which names this tenant (`tenant_id`). A key
    /// that signed for this tenant alone need not have been told so, but must not name another.
    pub fn speaks_of(&self, claims: &Claims) -> bool {
        let named = claims.other.get("tenant_id");
        let ours = named.map(|named| named.as_str() == Some(self.tenant.as_str()));
        claims.iss == self.issuer && ours.unwrap_or(!self.shared)
    }
}
