//! How a refresh token looks, lives and is told from a stolen one. Pure.

use crate::{
    id::{ClientId, FamilyId, OrganizationId, RefreshTokenId, SessionId, UserId},
    resources::clients::model::Client,
    secret::{Digest, Secret},
    time::{Lifetime, Timestamp},
};
use serde_json::Value as Json;

/// A token on the wire: `rt_{lookup}.{secret}`. The first part finds the row, of the second only the digest is kept.
///
/// A token of the server before may have another form, without such parts: it is a secret as a whole, and found by a part of
/// its own digest.
pub struct Wire {
    /// Finds the row.
    pub lookup: String,
    /// Proves possession.
    pub secret: Secret,
}

impl Wire {
    /// Reads one; `None` for what cannot be a token of ours, nor of a server before.
    pub fn parse(text: &str) -> Option<Self> {
        let Some(parts) = text.strip_prefix("rt_") else { return Self::whole(text) };
        let (lookup, secret) = parts.split_once('.')?;
        let plausible = |part: &str| !part.is_empty() && part.len() <= 128;
        (plausible(lookup) && plausible(secret))
            .then(|| Self { lookup: lookup.to_owned(), secret: Secret::new(secret) })
    }

    /// A token without parts, as servers before ours have issued them: an opaque id. The lookup of such a token begins
    /// with `~`, which no part of another may.
    pub fn whole(text: &str) -> Option<Self> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(16..=128).contains(&text.len()) || !text.bytes().all(letter) {
            return None;
        }
        let secret = Secret::new(text);
        let found_by = Secret::new(format!("lookup {text}")).digest();
        let lookup = format!("~{}", found_by.as_str().get(..32).unwrap_or_default());
        Some(Self { lookup, secret })
    }

    /// As the client gets it.
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("rt_{}.{}", self.lookup, self.secret.expose()))
    }
}

/// Whether text can be the lookup of a token.
pub fn is_lookup(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~');
    (1..=128).contains(&text.len()) && text.bytes().all(letter)
}

/// The first token of a family: what is not said here is what the code says that it comes of.
pub struct NewRefreshToken<'a> {
    /// The code.
    pub code: &'a Digest,
    /// Its id.
    pub id: &'a RefreshTokenId,
    /// Finds the row.
    pub lookup: &'a str,
    /// Of the secret part.
    pub digest: &'a Digest,
    /// The API.
    pub audience: &'a str,
    /// What was granted.
    pub scope: &'a str,
    /// How it lives.
    pub life: &'a Life,
}

/// How the refresh tokens of a client live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Whether each use replaces the token.
    pub rotating: bool,
    /// For how long a replaced token still answers, with the one that replaced it and only until that has been used, so that
    /// two tabs or a lost reply sign nobody out. RFC 9700 §4.14.2 wants it short.
    pub leeway: Lifetime,
    /// How long the family lives; `None` for ever.
    pub absolute: Option<Lifetime>,
    /// How long a token lives unused; `None` for ever.
    pub idle: Option<Lifetime>,
}

/// Ours unless the client says otherwise; Auth0 has 0.
const LEEWAY: i64 = 10;
/// A longer leeway would switch reuse detection off.
const MAX_LEEWAY: i64 = 60;
/// 30 and 15 days (Auth0).
const TOKEN_LIFETIME: i64 = 2_592_000;
const IDLE_TOKEN_LIFETIME: i64 = 1_296_000;

impl Life {
    /// As a client's settings say. Lifetimes are finite unless `infinite_token_lifetime` or
    /// `infinite_idle_token_lifetime` is set (Auth0). Those of a public client always rotate or end: whoever steals one
    /// proves nothing by it (RFC 9700 §2.2.2).
    pub fn of(client: &Client) -> Self {
        let settings = &client.refresh_token;
        let span = |seconds: Option<i64>, default: i64, infinite: &str| {
            let endless = settings.other.get(infinite) == Some(&Json::Bool(true));
            (!endless).then(|| Lifetime::seconds(seconds.unwrap_or(default)))
        };
        let absolute = span(settings.token_lifetime, TOKEN_LIFETIME, "infinite_token_lifetime");
        Self {
            rotating: settings.rotation_type.as_deref() != Some("non-rotating"),
            leeway: Lifetime::seconds(settings.leeway.unwrap_or(LEEWAY).clamp(0, MAX_LEEWAY)),
            absolute: absolute.or(never_ends(client).then_some(Lifetime::seconds(TOKEN_LIFETIME))),
            idle: span(settings.idle_token_lifetime, IDLE_TOKEN_LIFETIME, "infinite_idle_token_lifetime"),
        }
    }

    /// When a token of this client ends that was issued without an end, if it may not be without: counted from its next use.
    pub fn belated_end(client: &Client, now: Timestamp) -> Option<Timestamp> {
        (!client.is_confidential()).then(|| now.plus(Lifetime::seconds(TOKEN_LIFETIME)))
    }

    /// When a token that is used now will have been idle for too long.
    pub fn idle_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.idle.map(|idle| now.plus(idle))
    }
}

/// Whether the refresh tokens of a public client would neither rotate nor end.
pub fn never_ends(client: &Client) -> bool {
    let settings = &client.refresh_token;
    let is_endless = settings.other.get("infinite_token_lifetime") == Some(&Json::Bool(true));
    !client.is_confidential() && is_endless && settings.rotation_type.as_deref() == Some("non-rotating")
}

/// A token as it was found.
#[derive(Debug)]
pub struct RefreshToken {
    /// Of the secret part.
    pub digest: Digest,
    /// All tokens that descend from the same login.
    pub family: FamilyId,
    /// Who may use it.
    pub client: ClientId,
    /// For whom.
    pub user: UserId,
    /// The session it came of.
    pub session: Option<SessionId>,
    /// The API.
    pub audience: String,
    /// What was granted.
    pub scope: String,
    /// The organization that was signed in to, with its name.
    pub organization: Option<(OrganizationId, String)>,
    /// The claims that the login asked for one by one, as the authorization server keeps them: JSON.
    pub claims: Option<String>,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// When it was replaced.
    pub rotated_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Of the secret part of what it was replaced by.
    pub successor: Option<Digest>,
    /// Whether that has been used, or revoked.
    pub successor_used: bool,
}

impl RefreshToken {
    /// Whether a replaced token has come back with its right secret, after its leeway or after its successor was used: then
    /// it is in two hands, and which of them is the thief's cannot be told (RFC 9700 §4.14.2).
    pub fn is_reused(&self, secret: &Secret, leeway: Lifetime, now: Timestamp) -> bool {
        let is_late = |rotated| now.since(rotated) > leeway || self.successor_used;
        self.revoked_at.is_none() && self.rotated_at.is_some_and(is_late) && self.digest.matches(secret)
    }
}
