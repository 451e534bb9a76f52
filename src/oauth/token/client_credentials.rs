//! The client credentials grant (RFC 6749 §4.4): a machine acts for itself.

use super::issue::{self, Tokens};
use crate::{
    access::{Area, OAuth, management::ALL_TENANTS, oauth::Refusal},
    error::Error,
    events::{Entry, Kind},
    jose::{Audience, Claims},
    oauth::{audience::Api, scope::Scopes},
};
use serde::Deserialize;

/// What a machine asks for.
#[derive(Deserialize)]
pub(super) struct Fields {
    audience: Option<String>,
    #[serde(default)]
    scope: String,
}

pub(super) async fn exchange(cx: &OAuth, fields: Fields) -> Result<Tokens, Error<Refusal>> {
    let (call, record) = (cx.call(), cx.client()?);
    let snapshot = call.snapshot().await?;
    // Auth0: 403 access_denied, where RFC 8707 §2 has 400 invalid_target.
    let denied = |why: String| Refusal::forbidden("access_denied", why);
    let asked = fields.audience.as_ref().or(snapshot.settings.default_audience.as_ref());
    let asked = asked
        .ok_or_else(|| denied("No audience is given, and the tenant has no default audience".to_owned()))?;
    let api = Api::find(call, &snapshot, asked)
        .ok_or_else(|| denied(format!("Service not enabled within domain: {asked}")))?;
    let (_, granted) =
        record.grants.iter().find(|(audience, _)| api.is_named(call, audience)).ok_or_else(|| {
            denied(format!(
                "Client is not authorized to access \"{asked}\". You need a client grant for this API."
            ))
        })?;
    let all_tenants = api.is_management() && call.tenant.is_main();
    let granted: Scopes = granted.iter().map(String::as_str).collect();
    let granted = granted.filtered(|scope| api.defines(scope) || (all_tenants && scope == ALL_TENANTS));
    let wanted = Scopes::parse(&fields.scope);
    if !wanted.is_within(&granted) {
        let missing = wanted.filtered(|scope| !granted.contains(scope));
        // Auth0: 403 access_denied, where RFC 6749 §5.2 has 400 invalid_scope.
        return Err(denied(format!("Client has not been granted scopes: {missing}")).into());
    }
    let scope = if wanted.is_empty() { granted } else { wanted };

    let client_id = record.client.client_id.as_str();
    let lifetime = api.token_lifetime();
    let claims = Claims {
        azp: Some(client_id.to_owned()),
        gty: Some("client-credentials".to_owned()),
        ..issue::claims(call, format!("{client_id}@clients"), Audience::One(api.identifier), &scope, lifetime)
    };
    let access_token = issue::access_token(call, &snapshot, &claims).await?;
    // Nothing of the tenant changes here, so that machines go on working while it is read-only; only the entry is lost.
    if !call.tenant.is_read_only() {
        let entry =
            Entry::new(Kind::SuccessExchangeClientCredentials, "Machine token issued").client(client_id);
        call.db.commit([call.record(entry)]).await?;
    }
    Ok(Tokens::bearer(access_token, lifetime, &scope))
}
