//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.5).

use super::issue::{self, Bearer, Tokens};
use crate::{
    access::{Area, Call, OAuth, oauth::Refusal},
    db::Outcome,
    error::{Error, Fault},
    events::{Entry, Kind},
    id::{RefreshTokenId, SessionId, UserId, random_text},
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
    secret::Secret,
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
    let code = fields.code.ok_or_else(|| Refusal::new("invalid_request", "code is missing"))?;
    let digest = code.digest();
    // Consumed before anything is checked: whatever comes of it, nobody can try this code again.
    let answers = call
        .db
        .commit([
            store::consume_code(&digest, call.now),
            store::used_code(&digest).into(),
            store::person_of_code(&digest).into(),
            store::permissions_of_code(&digest, &own_management(call)).into(),
        ])
        .await?;
    let [consumed, used, people, permissions] = answers.as_slice() else {
        return Err(Fault::internal("a batch of four has four answers").into());
    };
    let Some(code) = consumed.rows.first().map(store::code).transpose()? else {
        return Err(refuse_again(call, client, used).await?.into());
    };
    let person = people.rows.first().map(Person::of).transpose()?;
    let verifier = fields.code_verifier.as_deref();
    let is_theirs = code.is_for(&client.client_id, &fields.redirect_uri, verifier, call.now);
    let Some(person) = person.filter(|person| is_theirs && person.is_welcome()) else {
        let entry = Entry::new(Kind::FailedExchangeCode, "Code refused").user(code.user.as_str());
        call.db.commit([call.record(entry.client(client.client_id.as_str()))]).await?;
        return Err(invalid_grant().into());
    };
    // The API may have been removed within the last minute.
    let api = Api::for_person(call, &snapshot, &code.request.audience).ok_or_else(invalid_grant)?;
    let held = store::held(&permissions.rows, api.registered())?;
    let wish = Wish {
        scope: &Scopes::parse(&code.request.scope),
        api: &api,
        in_organization: code.request.organization.is_some(),
        on_main: call.tenant.is_main(),
        offline: client.allows("refresh_token"),
    };
    let scope = scope::granted(&wish, &held);

    let entry = Entry::new(Kind::SuccessExchangeCode, "Code exchanged").user(person.id.as_str());
    let mut batch = vec![call.record(entry.client(client.client_id.as_str()))];
    let refresh_token = scope.contains("offline_access").then(|| issue::refresh_token(call));
    if let Some(wire) = &refresh_token {
        batch.push(first_of_family(call, client, &code, &api, &scope, wire));
    }
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
    let tokens = issue::for_person(call, &snapshot, &bearer, refresh_token.map(|wire| wire.reveal())).await?;
    call.db.commit(batch).await?;
    Ok(tokens)
}

fn invalid_grant() -> Refusal {
    Refusal::new("invalid_grant", "Invalid authorization code")
}

fn first_of_family(
    call: &Call,
    client: &Client,
    code: &Code,
    api: &Api<'_>,
    scope: &Scopes,
    wire: &Wire,
) -> crate::db::Statement<crate::tenant::InTenant> {
    let new = NewRefreshToken {
        id: &RefreshTokenId::new(random_text(call.platform(), 22)),
        lookup: &wire.lookup,
        digest: &wire.secret.digest(),
        family: &code.family,
        client: &client.client_id,
        user: &code.user,
        session: &code.session,
        audience: &api.identifier,
        scope: &scope.to_string(),
        organization: code.request.organization.as_ref().map(|organization| &organization.id),
        authenticated_at: code.authenticated_at,
        life: &Life::of(&client.refresh_token),
    };
    refresh_tokens::store::insert(&new, call.now)
}

/// Refuses a code that is unknown or was used before. The latter has been in two hands: the session that it came of is
/// ended, with all refresh tokens that came of it (RFC 6749 §4.1.2).
async fn refuse_again(call: &Call, client: &Client, used: &Outcome) -> Result<Refusal, Fault> {
    let entry = Entry::new(Kind::FailedExchangeCode, "Code unknown").client(client.client_id.as_str());
    let Some(row) = used.rows.first() else {
        call.db.commit([call.record(entry)]).await?;
        return Ok(invalid_grant());
    };
    let (user, session) = (UserId::new(row.text("user_id")?), SessionId::new(row.text("session_id")?));
    let entry = Entry { description: "Code used again: what came of it was revoked".to_owned(), ..entry };
    call.db
        .commit([
            refresh_tokens::store::revoke_session(&user, &session, call.now),
            sessions::store::end(&session, call.now),
            call.record(entry.user(user.as_str())),
        ])
        .await?;
    Ok(invalid_grant())
}
