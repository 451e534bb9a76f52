//! What the token endpoint answers, and how tokens are made.

use crate::{
    access::Call,
    error::Fault,
    http::{Json, Output, Response},
    id::{ClientId, SessionId, random_text},
    jose::{
        Audience, Claims,
        jwt::{ACCESS_TOKEN, ID_TOKEN},
    },
    oauth::{
        audience::Api,
        claims::{Asked, MULTI_FACTOR, OF_USERINFO},
        code::InOrganization,
        person::Person,
        scope::Scopes,
    },
    resources::{clients::model::Client, refresh_tokens::model::Wire, snapshot::Snapshot},
    secret::Secret,
    time::{Lifetime, Timestamp},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

/// The answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl Tokens {
    /// An access token alone.
    pub fn bearer(access_token: String, lifetime: Lifetime, scope: &Scopes) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: lifetime.as_seconds(),
            scope: scope.to_string(),
            id_token: None,
            refresh_token: None,
        }
    }
}

impl Output for Tokens {
    /// RFC 6749 §5.1: never to be kept by a cache.
    fn render(self) -> Response {
        Json(self).render().with("cache-control", "no-store").with("pragma", "no-cache")
    }
}

/// What every token says.
pub fn claims(call: &Call, sub: String, aud: Audience, scope: &Scopes, lifetime: Lifetime) -> Claims {
    Claims {
        iss: call.tenant.issuer().as_str().to_owned(),
        sub,
        aud,
        iat: call.now.seconds(),
        exp: call.now.plus(lifetime).seconds(),
        azp: None,
        client_id: None,
        scope: Some(scope.to_string()),
        permissions: None,
        gty: None,
        org_id: None,
        org_name: None,
        sid: None,
        jti: Some(random_text(call.platform(), 22)),
        other: serde_json::Map::new(),
    }
}

/// What an access token says beside that, in the dialect of its API. Strict verifiers want `client_id` of everything whose
/// `typ` is `at+jwt` (RFC 9068 §2.2), so every dialect has it.
pub fn access_claims(claims: Claims, client: &ClientId, api: &Api<'_>, permissions: &Scopes) -> Claims {
    let client = client.as_str().to_owned();
    Claims {
        azp: api.names_authorized_party().then(|| client.clone()),
        client_id: Some(client),
        permissions: api.shows_permissions().then(|| permissions.iter().map(str::to_owned).collect()),
        ..claims
    }
}

/// Signs an access token. Its `typ` keeps it apart from an ID token (RFC 9068 §2.1, RFC 8725 §3.11).
///
/// # Errors
/// A fault of the keys or of the platform.
pub async fn access_token(call: &Call, snapshot: &Snapshot, claims: &Claims) -> Result<String, Fault> {
    snapshot.sign(call.platform(), call.now, ACCESS_TOKEN, claims).await
}

/// A person's tokens in the making.
pub struct Bearer<'a> {
    /// Who gets them.
    pub client: &'a Client,
    /// Whom they speak for.
    pub person: &'a Person,
    /// What the access token is for.
    pub api: &'a Api<'a>,
    /// What was granted.
    pub scope: &'a Scopes,
    /// What the person holds of the API, whatever was asked for.
    pub permissions: &'a Scopes,
    /// The organization that was signed in to.
    pub organization: Option<&'a InOrganization>,
    /// The session they come of.
    pub session: Option<&'a SessionId>,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// The client's nonce.
    pub nonce: Option<&'a str>,
    /// The claims that were asked for one by one.
    pub claims: &'a Asked,
}

/// How many letters find a refresh token: 95 bits.
pub const LOOKUP: usize = 16;

/// A new refresh token: 95 bits to find it, 256 to prove it.
pub fn refresh_token(call: &Call) -> Wire {
    Wire { lookup: random_text(call.platform(), LOOKUP), secret: Secret::random(call.platform(), 32) }
}

/// Signs a person's tokens: always an access token, and an ID token if the scope `openid` was granted.
///
/// # Errors
/// A fault of the keys or of the platform.
pub async fn for_person(
    call: &Call,
    snapshot: &Snapshot,
    bearer: &Bearer<'_>,
    refresh_token: Option<Secret>,
) -> Result<Tokens, Fault> {
    let (sub, lifetime) = (bearer.person.id.as_str(), bearer.api.token_lifetime());
    let openid = bearer.scope.contains("openid");
    let userinfo = call.tenant.issuer().join("userinfo");
    let mut aud = vec![bearer.api.identifier.clone()];
    if openid && !bearer.api.is_userinfo() {
        aud.push(userinfo);
    }
    let aud = if aud.len() == 1 { Audience::One(aud.remove(0)) } else { Audience::Many(aud) };
    let access = about(bearer, claims(call, sub.to_owned(), aud, bearer.scope, lifetime));
    let mut access = access_claims(access, &bearer.client.client_id, bearer.api, bearer.permissions);
    if openid && let Some(single) = bearer.claims.userinfo.beyond(bearer.scope).for_token() {
        access.other.insert(OF_USERINFO.to_owned(), single);
    }
    let access_token = access_token(call, snapshot, &access).await?;
    let id_token =
        if openid { Some(id_token(call, snapshot, bearer, Some(&access_token)).await?) } else { None };
    let refresh_token = refresh_token.map(|token| token.expose().to_owned());
    Ok(Tokens { id_token, refresh_token, ..Tokens::bearer(access_token, lifetime, bearer.scope) })
}

/// Signs an ID token, beside an access token or alone.
///
/// # Errors
/// A fault of the keys or of the platform.
pub async fn id_token(
    call: &Call,
    snapshot: &Snapshot,
    bearer: &Bearer<'_>,
    access_token: Option<&str>,
) -> Result<String, Fault> {
    let sub = bearer.person.id.as_str();
    let aud = Audience::One(bearer.client.client_id.as_str().to_owned());
    let mut id =
        about(bearer, claims(call, sub.to_owned(), aud, bearer.scope, bearer.client.id_token_lifetime()));
    (id.scope, id.jti) = (None, None);
    let single = &bearer.claims.id_token;
    id.other = bearer.person.claims(bearer.scope, single);
    id.other.insert("auth_time".to_owned(), json!(bearer.authenticated_at.seconds()));
    if let Some(access_token) = access_token {
        id.other.insert("at_hash".to_owned(), json!(at_hash(access_token)));
    }
    if let Some(amr) = &bearer.person.amr {
        id.other.insert("amr".to_owned(), amr.clone());
        let acr = json!(MULTI_FACTOR);
        if single.wants("acr", &acr) {
            id.other.insert("acr".to_owned(), acr);
        }
    }
    if let Some(nonce) = bearer.nonce {
        id.other.insert("nonce".to_owned(), json!(nonce));
    }
    snapshot.sign(call.platform(), call.now, ID_TOKEN, &id).await
}

/// Adds what both tokens say of the login.
fn about(bearer: &Bearer<'_>, claims: Claims) -> Claims {
    Claims {
        sid: bearer.session.map(|session| session.as_str().to_owned()),
        org_id: bearer.organization.map(|organization| organization.id.as_str().to_owned()),
        org_name: bearer.organization.map(|organization| organization.name.clone()),
        ..claims
    }
}

/// The left half of the access token's SHA-256 (OpenID Connect Core §3.1.3.6), which is the hash of all our algorithms.
fn at_hash(access_token: &str) -> String {
    let digest = Sha256::digest(access_token.as_bytes());
    Base64UrlUnpadded::encode_string(digest.get(..16).unwrap_or_default())
}
