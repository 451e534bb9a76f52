//! The token endpoint (RFC 6749 §3.2): one file per grant.

mod authorization_code;
mod client_credentials;
pub mod issue;
mod refresh_token;
mod wanted;

use crate::{
    access::{
        OAuth,
        oauth::{Need, Refusal},
    },
    error::Error,
    http::{Form, route::Routes},
};
use issue::Tokens;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use wanted::{UNSUPPORTED, Wanted};

/// The one endpoint.
pub fn routes(r: &mut Routes) {
    r.post("/oauth/token", Need::Client, token);
}

/// The grant that is asked for, and the fields that its own file knows.
#[derive(Deserialize)]
struct Request {
    grant_type: Option<String>,
    #[serde(flatten)]
    fields: Map<String, Json>,
}

/// What the endpoint gives tokens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// RFC 6749 §4.1.3.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl Grant {
    /// Every grant, for discovery.
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// The `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

async fn token(cx: &OAuth, Form(request): Form<Request>) -> Result<Tokens, Error<Refusal>> {
    let asked = request.grant_type.ok_or_else(|| Refusal::new("invalid_request", "grant_type is missing"))?;
    let grant = Grant::ALL
        .into_iter()
        .find(|grant| grant.as_str() == asked)
        .ok_or_else(|| Refusal::new("unsupported_grant_type", "This grant type is not supported"))?;
    if !cx.client()?.client.allows(grant.as_str()) {
        let why = format!("Grant type '{asked}' not allowed for the client.");
        return Err(Refusal::new("unauthorized_client", why).into());
    }
    let fields = request.fields;
    if let Some(name) = UNSUPPORTED.into_iter().find(|name| fields.contains_key(*name)) {
        return Err(Refusal::new("invalid_request", format!("The parameter {name} is not supported")).into());
    }
    let wanted: Wanted = decode(fields.clone())?;
    match grant {
        Grant::AuthorizationCode => authorization_code::exchange(cx, decode(fields)?, &wanted).await,
        Grant::RefreshToken => refresh_token::exchange(cx, decode(fields)?, &wanted).await,
        Grant::ClientCredentials => client_credentials::exchange(cx, &wanted).await,
    }
}

fn decode<T: DeserializeOwned>(fields: Map<String, Json>) -> Result<T, Refusal> {
    serde_json::from_value(Json::Object(fields))
        .map_err(|error| Refusal::new("invalid_request", error.to_string()))
}
