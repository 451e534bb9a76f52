//! Token revocation (RFC 7009).

use crate::{
    access::{
        Area, OAuth,
        oauth::{Need, Refusal},
    },
    error::Error,
    events::{Entry, Kind},
    http::{Form, Response, StatusCode, route::Routes},
    jose::Unverified,
    resources::refresh_tokens::{model::Wire, store},
};
use serde::Deserialize;

/// The one endpoint.
pub fn routes(r: &mut Routes) {
    r.post("/oauth/revoke", Need::Client, revoke);
}

/// What a client brings. `token_type_hint` is not needed: a token shows what it is.
#[derive(Deserialize)]
struct Fields {
    token: Option<String>,
}

async fn revoke(cx: &OAuth, Form(fields): Form<Fields>) -> Result<Response, Error<Refusal>> {
    let (call, client) = (cx.call(), &cx.client()?.client.client_id);
    let token = fields.token.ok_or_else(|| Refusal::new("invalid_request", "token is missing"))?;
    // RFC 7009 §2.2.1: an access token is valid until it expires, and nobody is told otherwise.
    if Unverified::parse(&token).is_some() {
        return Err(Refusal::new("unsupported_token_type", "Only refresh tokens can be revoked").into());
    }
    // RFC 7009 §2.2: a token that is unknown, or not this client's, is none that could be revoked.
    let done = Response::empty(StatusCode::OK).with("cache-control", "no-store");
    let Some(wire) = Wire::parse(&token) else { return Ok(done) };
    let row = call.db.first(store::by_lookup(&wire.lookup)).await?;
    let found = row.as_ref().map(store::refresh_token).transpose()?;
    let Some(found) = found.filter(|found| found.client == *client && found.digest.matches(&wire.secret))
    else {
        return Ok(done);
    };
    let entry = Entry::new(Kind::SuccessRevocation, "Refresh token revoked").user(found.user.as_str());
    call.db
        .commit([store::revoke_family(&found.family, call.now), call.record(entry.client(client.as_str()))])
        .await?;
    Ok(done)
}
