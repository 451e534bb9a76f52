//! JSON Web Tokens (RFC 7519) in compact form: built before they are signed, parsed before they are trusted.

use super::Algorithm;
use crate::{error::Fault, json, time::Timestamp};
use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::{AlgorithmExt, AlgorithmSignature, Header, UntrustedToken};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// The `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TOKEN: &str = "at+jwt";

/// The `typ` of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
pub const LOGOUT_TOKEN: &str = "logout+jwt";

/// The `typ` of an ID token.
pub const ID_TOKEN: &str = "JWT";

/// A longer token is none of ours, in bytes: a thousand permissions of 30 characters, the most that an API can define, fit.
pub const LONGEST: usize = 32 * 1024;

/// A token without its signature: `header.claims`, the signing input of RFC 7515 §5.1.
#[derive(Debug, Clone)]
pub struct Unsigned(String);

/// Stands in for the algorithm while a token is built: the signature is made later, by the platform, because a private
/// RSA operation belongs where it is constant-time and never in WASM.
struct Later(Algorithm);

/// The empty signature of [`Later`].
struct Nothing;

impl AlgorithmSignature for Nothing {
    fn try_from_slice(_: &[u8]) -> anyhow::Result<Self> {
        Ok(Self)
    }

    fn as_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }
}

impl jwt_compact::Algorithm for Later {
    type SigningKey = ();
    type VerifyingKey = ();
    type Signature = Nothing;

    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.0.as_str())
    }

    fn sign(&self, _: &(), _: &[u8]) -> Nothing {
        Nothing
    }

    fn verify_signature(&self, _: &Nothing, _: &(), _: &[u8]) -> bool {
        false
    }
}

impl Unsigned {
    /// Lays out a token. `kind` is the `typ` header: [`ACCESS_TOKEN`] or [`ID_TOKEN`].
    ///
    /// # Errors
    /// A fault if the claims cannot be serialized.
    pub fn new(algorithm: Algorithm, kid: &str, kind: &str, claims: &impl Serialize) -> Result<Self, Fault> {
        let header = Header::empty().with_key_id(kid).with_token_type(kind);
        let token = Later(algorithm).token(&header, &jwt_compact::Claims::new(claims), &());
        let token = token.map_err(|error| Fault::internal(format!("token: {error}")))?;
        Ok(Self(token.trim_end_matches('.').to_owned()))
    }

    /// What is signed.
    pub fn message(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The finished token.
    pub fn signed(self, signature: &[u8]) -> String {
        format!("{}.{}", self.0, Base64UrlUnpadded::encode_string(signature))
    }
}

/// A parsed token that nobody has vouched for yet.
pub struct Unverified<'a> {
    token: UntrustedToken<'a>,
    message: &'a str,
}

/// Whether a part of a compact token may be parsed.
fn is_shallow(part: &str) -> bool {
    let bytes = Base64UrlUnpadded::decode_vec(part);
    bytes.is_ok_and(|bytes| json::is_shallow(&bytes, json::ACCEPTED_DEPTH))
}

impl<'a> Unverified<'a> {
    /// Parses a compact token; `None` if it is not one, is longer than [`LONGEST`] or nested deeper than what others may
    /// send, or names an algorithm we do not use.
    pub fn parse(token: &'a str) -> Option<Self> {
        // Before anything is parsed: whoever sends it has proven nothing yet.
        if token.len() > LONGEST || !token.split('.').take(2).all(is_shallow) {
            return None;
        }
        let parsed = UntrustedToken::new(token).ok()?;
        Algorithm::parse(parsed.algorithm())?;
        let (message, _) = token.rsplit_once('.')?;
        Some(Self { token: parsed, message })
    }

    /// The key it says it was signed with; empty if it says none.
    pub fn kid(&self) -> &str {
        self.token.header().key_id.as_deref().unwrap_or_default()
    }

    /// The algorithm it says it was signed with; the key must agree (RFC 8725 §3.1).
    pub fn algorithm(&self) -> &str {
        self.token.algorithm()
    }

    /// The `typ` header.
    pub fn kind(&self) -> Option<&str> {
        self.token.header().token_type.as_deref()
    }

    /// What was signed.
    pub fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        self.token.signature_bytes()
    }

    /// A claim that has not been verified: only good for choosing whose keys to verify with.
    pub fn hint(&self, claim: &str) -> Option<String> {
        let claims: Map<String, Json> = self.token.deserialize_claims_unchecked().ok()?.custom;
        claims.get(claim)?.as_str().map(str::to_owned)
    }

    /// The claims, once the platform has found the signature to be that of the key.
    pub fn claims<T: DeserializeOwned>(&self, signature_holds: bool) -> Option<T> {
        if !signature_holds {
            return None;
        }
        let mut all: jwt_compact::Claims<Map<String, Json>> =
            self.token.deserialize_claims_unchecked().ok()?;
        // jwt-compact takes the registered dates out of the map; our claims want them in place.
        for (name, moment) in [("exp", all.expiration), ("iat", all.issued_at), ("nbf", all.not_before)] {
            if let Some(moment) = moment {
                all.custom.insert(name.to_owned(), Json::from(moment.timestamp()));
            }
        }
        serde_json::from_value(Json::Object(all.custom)).ok()
    }
}

/// What is signed by a key of a tenant: access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Subject: a user id, or `{client_id}@clients` (Auth0).
    pub sub: String,
    /// Audience.
    pub aud: Audience,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Expires at, in seconds.
    pub exp: i64,
    /// The client it was issued to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// The same, as RFC 9068 §2.2 names it. Every access token has it, no ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Granted scopes, space-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What whom the token speaks for holds of the API, whatever was asked for (Auth0). Not of every API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// `client-credentials` for a machine (Auth0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gty: Option<String>,
    /// Organization id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Organization name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_name: Option<String>,
    /// The session's public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Unique id of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Whatever else: nonce, profile claims.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Claims {
    /// Whether the token is valid at `now`. No leeway: issuer and verifier share a clock.
    pub fn is_current(&self, now: Timestamp) -> bool {
        now.seconds() < self.exp
    }

    /// Whether `scope` was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.as_deref().is_some_and(|granted| granted.split(' ').any(|one| one == scope))
    }
}

/// One audience, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several: Auth0 adds the userinfo endpoint to the audience of an OpenID request.
    Many(Vec<String>),
}

impl Audience {
    /// Whether `audience` is among them.
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}
