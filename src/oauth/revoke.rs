//! Token revocation (RFC 7009).

use crate::{
    access::{
        Area, OAuth,
        oauth::{Need, Refusal},
    },
    error::Error,
    events::log_id,
    http::{Form, Response, StatusCode, route::Routes},
    id::LogId,
    jose::Unverified,
    resources::refresh_tokens::{
        model::Wire,
        store::{self, Presented},
    },
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
    let call = cx.call();
    let token = fields.token.ok_or_else(|| Refusal::new("invalid_request", "token is missing"))?;
    // RFC 7009 §2.2.1: an access token is valid until it expires, and nobody is told otherwise.
    if Unverified::parse(&token).is_some() {
        return Err(Refusal::new("unsupported_token_type", "Only refresh tokens can be revoked").into());
    }
    if let Some(wire) = Wire::parse(&token) {
        let presented = Presented {
            lookup: &wire.lookup,
            digest: &wire.secret.digest(),
            client: &cx.client()?.client.client_id,
            now: call.now,
        };
        let entry = LogId::new(log_id(call.platform(), call.now));
        let agent = call.request.agent();
        call.db
            .commit([
                store::revoke_presented(&presented),
                store::record_revocation(&presented, &entry, &call.request.ip, agent),
            ])
            .await?;
    }
    // RFC 7009 §2.2: the same for a token that is unknown, or not this client's: it is none that could be revoked.
    Ok(Response::empty(StatusCode::OK))
}
