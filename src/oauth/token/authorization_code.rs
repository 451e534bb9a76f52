//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.5).

use super::issue::{self, Bearer, Tokens};
use crate::{
    access::{Area, Call, OAuth, oauth::Refusal},
    db::Statement,
    error::{Error, Fault},
    events::{Entry, Kind, log_id},
    id::{LogId, RefreshTokenId, random_text},
    oauth::{
        audience::{Api, own_management},
        code::Code,
        person::Person,
        scope::{self, Scopes, Wish},
        store,
    },
    resources::{
        clients::model::Client,
        refresh_tokens::{
            self,
            model::{Life, NewRefreshToken, Wire},
        },
        sessions,
    },
    secret::{Digest, Secret},
    tenant::InTenant,
};
use serde::Deserialize;

/// What a client brings.
#[derive(Deserialize)]
pub(super) struct Fields {
    code: Option<Secret>,
    #[serde(default)]
    redirect_uri: String,
    code_verifier: Option<String>,
}

pub(super) async fn exchange(cx: &OAuth, fields: Fields) -> Result<Tokens, Error<Refusal>> {
    let (call, record) = (cx.call(), cx.client()?);
    let snapshot = call.snapshot().await?;
    let client = &record.client;
    let presented = fields.code.ok_or_else(|| Refusal::new("invalid_request", "code is missing"))?;
    let digest = presented.digest();
    let [codes, people, permissions] = call
        .db
        .read([
            store::code_by_digest(&digest),
            store::person_of_code(&digest),
            store::permissions_of_code(&digest, &own_management(call)),
        ])
        .await?;
    let Some(code) = codes.first().map(store::code).transpose()? else {
        let entry = Entry::new(Kind::FailedExchangeCode, "Code unknown").client(client.client_id.as_str());
        call.db.commit([call.record(entry)]).await?;
        return Err(invalid_grant().into());
    };
    if code.used_at.is_some() {
        return Err(refuse_again(call, client, &code).await?.into());
    }
    let person = people.first().map(Person::of).transpose()?;
    let verifier = fields.code_verifier.as_deref();
    let is_theirs = code.is_for(&client.client_id, &fields.redirect_uri, verifier, call.now);
    let person = person.filter(|person| is_theirs && person.is_welcome());
    // The API may have been removed within the last minute.
    let api = Api::for_person(call, &snapshot, &code.request.audience);
    let (Some(person), Some(api)) = (person, api) else {
        return Err(burn(call, client, &digest, &code).await?.into());
    };
    let held = store::held(permissions.as_slice(), api.registered())?;
    let wish = Wish {
        scope: &Scopes::parse(&code.request.scope),
        api: &api,
        in_organization: code.request.organization.is_some(),
        on_main: call.tenant.is_main(),
        offline: client.allows("refresh_token"),
    };
    let scope = scope::granted(&wish, &held);
    let refresh_token = scope.contains("offline_access").then(|| issue::refresh_token(call));
    let bearer = Bearer {
        client: &client.client_id,
        person: &person,
        api: &api,
        scope: &scope,
        organization: code.request.organization.as_ref(),
        session: Some(&code.session),
        authenticated_at: code.authenticated_at,
        nonce: code.request.nonce.as_deref(),
    };
    let revealed = refresh_token.as_ref().map(Wire::reveal);
    let tokens = issue::for_person(call, &snapshot, &bearer, revealed).await?;

    // One batch, in which only an unused code has any effect: the request can be repeated as a whole, whatever it died of.
    let entry = LogId::new(log_id(call.platform(), call.now));
    let agent = call.request.header("user-agent").unwrap_or_default();
    let mut batch = vec![store::record_exchange(&digest, &entry, &call.request.ip, agent, call.now)];
    if let Some(wire) = &refresh_token {
        batch.push(first_of_family(call, client, &digest, &api, &scope, wire));
    }
    batch.push(store::consume_code(&digest, call.now));
    let outcomes = call.db.commit(batch).await?;
    if outcomes.last().is_none_or(|consumed| consumed.rows.is_empty()) {
        return Err(refuse_again(call, client, &code).await?.into());
    }
    Ok(tokens)
}

fn invalid_grant() -> Refusal {
    Refusal::new("invalid_grant", "Invalid authorization code")
}

fn first_of_family(
    call: &Call,
    client: &Client,
    code: &Digest,
    api: &Api<'_>,
    scope: &Scopes,
    wire: &Wire,
) -> Statement<InTenant> {
    let new = NewRefreshToken {
        code,
        id: &RefreshTokenId::new(random_text(call.platform(), 22)),
        lookup: &wire.lookup,
        digest: &wire.secret.digest(),
        audience: &api.identifier,
        scope: &scope.to_string(),
        life: &Life::of(&client.refresh_token),
    };
    refresh_tokens::store::insert_first(&new, call.now)
}

/// Refuses a code that was presented wrongly, and burns it: nobody can try it again.
async fn burn(call: &Call, client: &Client, digest: &Digest, code: &Code) -> Result<Refusal, Fault> {
    let entry = Entry::new(Kind::FailedExchangeCode, "Code refused").user(code.user.as_str());
    let entry = call.record(entry.client(client.client_id.as_str()));
    call.db.commit([store::consume_code(digest, call.now), entry]).await?;
    Ok(invalid_grant())
}

/// Refuses a code that was used before. It has been in two hands: the session that it came of is ended, with all refresh
/// tokens that came of it (RFC 6749 §4.1.2).
async fn refuse_again(call: &Call, client: &Client, code: &Code) -> Result<Refusal, Fault> {
    let description = "Code used again: what came of it was revoked";
    let entry = Entry::new(Kind::FailedExchangeCode, description).user(code.user.as_str());
    call.db
        .commit([
            refresh_tokens::store::revoke_session(&code.user, &code.session, call.now),
            sessions::store::end(&code.session, call.now),
            call.record(entry.client(client.client_id.as_str())),
        ])
        .await?;
    Ok(invalid_grant())
}
