//! The protocol endpoints.

mod asked;
mod authorize;
mod backchannel;
mod claims;
mod client_credentials;
mod code;
mod dialects;
mod discovery;
mod form_post;
mod logout;
mod origins;
mod permissions;
mod private_key_jwt;
mod properties;
mod read_only;
mod redirects;
mod refresh;
mod revoke;
mod targets;
mod userinfo;
mod web_message;

use crate::support::Answer;
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value as Json;

/// The header and the claims of a token, unverified: what a curious client sees.
pub fn opened(token: &str) -> (Json, Json) {
    let mut parts = token.split('.').map(|part| Base64UrlUnpadded::decode_vec(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// The error code of an OAuth refusal.
pub fn error(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}
