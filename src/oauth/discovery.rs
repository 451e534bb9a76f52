//! What the server says about itself: OpenID Connect Discovery 1.0, RFC 8414, and its keys (RFC 7517 §5).

use crate::{
    access::{
        Area, OAuth,
        oauth::{Need, Refusal},
    },
    error::Error,
    http::{Response, StatusCode, route::Routes},
    jose::{Algorithm, Jwk},
    oauth::{authorize::request::ResponseMode, claims::MULTI_FACTOR, person, scope, token::Grant},
};
use serde_json::{Value as Json, json};

/// The documents.
pub fn routes(r: &mut Routes) {
    r.get("/.well-known/openid-configuration", Need::Open, configuration);
    r.get("/.well-known/oauth-authorization-server", Need::Open, configuration);
    r.get("/.well-known/jwks.json", Need::Open, jwks);
}

/// How long a client may keep the documents: well below the overlap of a key rotation.
const CACHE_CONTROL: &str = "public, max-age=300, stale-while-revalidate=60";

async fn configuration(cx: &OAuth, (): ()) -> Result<Response, Error<Refusal>> {
    let mut document = document(cx);
    if !cx.call().snapshot().await?.settings.shows_end_session_endpoint()
        && let Json::Object(members) = &mut document
    {
        members.remove("end_session_endpoint");
    }
    Ok(cacheable(&document))
}

/// The claims of an ID token that are not about the person.
const TOKEN_CLAIMS: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "iat",
    "exp",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "at_hash",
    "sid",
    "org_id",
    "org_name",
];

/// How a client may prove who it is, at every endpoint that asks for that.
const CLIENT_AUTHENTICATION: [&str; 4] =
    ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

fn document(cx: &OAuth) -> Json {
    let issuer = cx.call().tenant.issuer();
    let claims: Vec<&str> = TOKEN_CLAIMS.iter().copied().chain(person::claim_names()).collect();
    let signing = [Algorithm::RS256.as_str(), Algorithm::ES256.as_str()];
    json!({
        "issuer": issuer,
        "authorization_endpoint": issuer.join("authorize"),
        "token_endpoint": issuer.join("oauth/token"),
        "userinfo_endpoint": issuer.join("userinfo"),
        "end_session_endpoint": issuer.join("oidc/logout"),
        "revocation_endpoint": issuer.join("oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_signing_alg_values_supported": signing,
        "jwks_uri": issuer.join(".well-known/jwks.json"),
        "scopes_supported": scope::OPENID,
        "claims_supported": claims,
        "response_types_supported": ["code", "id_token"],
        "response_modes_supported": ResponseMode::NAMES,
        "grant_types_supported": Grant::ALL.map(Grant::as_str),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": signing,
        "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        // RFC 8414 §2: what a client may sign its authentication with.
        "token_endpoint_auth_signing_alg_values_supported": signing,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "claims_parameter_supported": true,
        "acr_values_supported": [MULTI_FACTOR],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    })
}

async fn jwks(cx: &OAuth, (): ()) -> Result<Response, Error<Refusal>> {
    let snapshot = cx.call().snapshot().await?;
    // Every key whose signatures are still accepted, the coming one included.
    let (now, issuer) = (cx.call().now, cx.call().tenant.issuer().as_str());
    let own = snapshot.keys.iter().filter(|key| key.verifies(now)).map(|key| &key.public);
    // Those of the server before where this is its issuer still; nowhere else.
    let former = snapshot.former_keys.iter().filter(|key| key.verifies(now) && key.issuer == issuer);
    let keys: Vec<&Jwk> = own.chain(former.map(|key| &key.public)).collect();
    Ok(cacheable(&json!({ "keys": keys })))
}

fn cacheable(body: &Json) -> Response {
    Response::json(StatusCode::OK, body).with("cache-control", CACHE_CONTROL)
}
