//! What the token endpoint answers, and how tokens are made.

use crate::{
    access::Call,
    error::Fault,
    http::{Json, Output, Response},
    id::random_text,
    jose::{Audience, Claims, jwt::ACCESS_TOKEN},
    oauth::scope::Scopes,
    resources::snapshot::Snapshot,
    time::Lifetime,
};
use serde::Serialize;

/// The answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl Tokens {
    /// An access token alone.
    pub fn bearer(access_token: String, lifetime: Lifetime, scope: Scopes) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: lifetime.as_seconds(),
            scope: scope.to_string(),
        }
    }
}

impl Output for Tokens {
    /// RFC 6749 §5.1: never to be kept by a cache.
    fn render(self) -> Response {
        Json(self).render().with("cache-control", "no-store").with("pragma", "no-cache")
    }
}

/// What every access token says (RFC 9068 §2.2).
pub fn claims(call: &Call, sub: String, aud: Audience, scope: &Scopes, lifetime: Lifetime) -> Claims {
    Claims {
        iss: call.tenant.issuer().as_str().to_owned(),
        sub,
        aud,
        iat: call.now.seconds(),
        exp: call.now.plus(lifetime).seconds(),
        azp: None,
        scope: Some(scope.to_string()),
        gty: None,
        org_id: None,
        org_name: None,
        sid: None,
        jti: Some(random_text(call.platform(), 22)),
        other: serde_json::Map::new(),
    }
}

/// Signs an access token. Its `typ` keeps it apart from an ID token (RFC 9068 §2.1, RFC 8725 §3.11).
///
/// # Errors
/// A fault of the keys or of the platform.
pub async fn access_token(call: &Call, snapshot: &Snapshot, claims: &Claims) -> Result<String, Fault> {
    snapshot.sign(call.platform(), call.now, ACCESS_TOKEN, claims).await
}
