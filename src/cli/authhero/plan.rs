//! What becomes of one tenant of the source.

use crate::{tenant::Issuer, time::Timestamp};
use aes_gcm::{AeadInPlace, Aes256Gcm, Key, KeyInit, Nonce};
use base64ct::{Base64, Base64Url, Base64UrlUnpadded, Encoding};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of one tenant of the source.
pub struct Plan {
    /// Its id in the source.
    pub tenant: String,
    /// Whether it becomes the main tenant.
    pub main: bool,
    /// The issuer that it gets.
    pub issuer: Issuer,
    /// The issuer that it had, whose tokens are still accepted; without one they end with the move.
    pub former_issuer: Option<String>,
    /// When the source stops issuing tokens: the last of them expires that much later.
    pub cutover: Timestamp,
    /// Opens what the source has encrypted.
    pub key: Option<Unsealing>,
    /// Only these users, with what is theirs. `None`: all.
    pub people: Option<BTreeSet<String>>,
    /// Connections that the tenant has already, by their id in the source: they are not sent.
    pub connections: BTreeMap<String, String>,
    /// Organizations that the tenant has already, likewise.
    pub organizations: BTreeMap<String, String>,
    /// Roles that the tenant has already, likewise.
    pub roles: BTreeMap<String, String>,
    /// Whether the tenant's own settings, branding and mail stay as they are: for one that is in use.
    pub keeps_settings: bool,
    /// Custom domains that the operator vouches for: they are served from the finish on.
    pub verified_domains: BTreeSet<String>,
    /// Whether logs come along.
    pub logs: bool,
    /// Whether sessions and refresh tokens come along.
    pub sessions: bool,
    /// Whether a browser's cookie of the source keeps it signed in. The source's cookie is the `sid` of its tokens, which
    /// applications see; so only if they may all act as the person.
    pub browser_sessions: bool,
    /// Whether people whose second factors can't be checked here sign in with the password alone; else they can't.
    pub ignores_unsupported_factors: bool,
    /// The scopes of the management API.
    pub scopes: Vec<String>,
}

impl Plan {
    /// Everything of a tenant, under a new issuer; tokens of the source are not accepted. `scopes`: what the management API
    /// defines (`ROUTES.management_scopes()`).
    pub fn new(tenant: impl Into<String>, issuer: Issuer, cutover: Timestamp, scopes: &[&str]) -> Self {
        Self {
            tenant: tenant.into(),
            main: false,
            issuer,
            former_issuer: None,
            cutover,
            key: None,
            people: None,
            connections: BTreeMap::new(),
            organizations: BTreeMap::new(),
            roles: BTreeMap::new(),
            keeps_settings: false,
            verified_domains: BTreeSet::new(),
            logs: true,
            sessions: true,
            browser_sessions: false,
            ignores_unsupported_factors: false,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }

    /// Whether a user comes along.
    pub(super) fn takes(&self, user: &str) -> bool {
        self.people.as_ref().is_none_or(|people| people.contains(user))
    }
}

/// What opens values that the source has encrypted: `enc:v1:[key id:]` and the base64url of a nonce of 12 bytes, the
/// ciphertext and a tag of 16 (AES-256-GCM).
pub struct Unsealing(Key<Aes256Gcm>);

/// The mark of an encrypted value.
pub(super) const ENCRYPTED: &str = "enc:v1:";

impl Unsealing {
    /// A key of 32 bytes in base64, base64url or hex.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text.trim_end_matches('=');
        let hex = || {
            let digit = |index: usize| u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok();
            (text.len() == 64).then(|| (0..32).map(digit).collect::<Option<Vec<u8>>>())?
        };
        let bytes = hex()
            .or_else(|| Base64UrlUnpadded::decode_vec(bare).ok())
            .or_else(|| Base64::decode_vec(text).ok())
            .or_else(|| Base64Url::decode_vec(text).ok())?;
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        Some(Self(bytes.into()))
    }

    /// Opens a value; `None` if it was encrypted with another key, or changed.
    pub fn open(&self, text: &str) -> Option<String> {
        let rest = text.strip_prefix(ENCRYPTED)?;
        let encoded = rest.rsplit_once(':').map_or(rest, |(_, encoded)| encoded);
        let packed = Base64UrlUnpadded::decode_vec(encoded.trim_end_matches('=')).ok()?;
        let (nonce, rest) = packed.split_at_checked(12)?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(16)?)?;
        let mut buffer = ciphertext.to_vec();
        Aes256Gcm::new(&self.0)
            .decrypt_in_place_detached(Nonce::from_slice(nonce), b"", &mut buffer, tag.into())
            .ok()?;
        String::from_utf8(buffer).ok()
    }
}

impl std::fmt::Debug for Unsealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unsealing(…)")
    }
}
