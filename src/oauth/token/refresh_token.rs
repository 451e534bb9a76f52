//! The refresh token grant (RFC 6749 §6) with rotation and reuse detection (RFC 9700 §4.14).

use super::issue::{self, Bearer, Tokens};
use crate::{
    access::{Area, Call, OAuth, oauth::Refusal},
    db::Row,
    error::{Error, Fault},
    events::{Entry, Kind, log_id},
    id::{LogId, RefreshTokenId, random_text},
    oauth::{
        audience::{Api, own_management},
        code::InOrganization,
        person::Person,
        scope::{self, Scopes, Wish},
        store,
    },
    resources::refresh_tokens::{
        self,
        model::{Life, RefreshToken, Wire},
        store::Use,
    },
    time::Timestamp,
};
use serde::Deserialize;

/// What a client brings.
#[derive(Deserialize)]
pub(super) struct Fields {
    refresh_token: Option<String>,
    scope: Option<String>,
}

fn invalid_grant() -> Refusal {
    Refusal::new("invalid_grant", "Unknown or invalid refresh token.")
}

pub(super) async fn exchange(cx: &OAuth, fields: Fields) -> Result<Tokens, Error<Refusal>> {
    let (call, record) = (cx.call(), cx.client()?);
    let snapshot = call.snapshot().await?;
    let client = &record.client;
    let token =
        fields.refresh_token.ok_or_else(|| Refusal::new("invalid_request", "refresh_token is missing"))?;
    let presented = Wire::parse(&token).ok_or_else(invalid_grant)?;
    let life = Life::of(&client.refresh_token);
    let with = Use {
        lookup: &presented.lookup,
        digest: &presented.secret.digest(),
        client: &client.client_id,
        now: call.now,
        replaced_after: call.now.minus(life.leeway),
    };
    let next = issue::refresh_token(call);
    let looked = if call.tenant.is_read_only() {
        look(call, &with).await?
    } else {
        rotate(call, &with, &next, life.idle_end(call.now)).await?
    };
    let [found, people, permissions, used] = looked;
    let found = found.first().map(refresh_tokens::store::refresh_token).transpose()?;
    let person = people.first().map(Person::of).transpose()?;
    let (Some(used), Some(found), Some(person)) = (used.first(), &found, person) else {
        return Err(refuse(call, &with, &presented, &life, found).await?.into());
    };

    let api = Api::for_person(call, &snapshot, &found.audience).ok_or_else(invalid_grant)?;
    let held = store::held(&permissions, api.registered())?;
    let organization = found.organization.clone().map(|(id, name)| InOrganization { id, name });
    let granted = Scopes::parse(&found.scope);
    // RFC 6749 §6: fewer scopes than granted, never more. What the person no longer holds is gone as well.
    let asked = fields.scope.as_deref().map_or_else(|| granted.clone(), Scopes::parse);
    let wish = Wish {
        scope: &asked.filtered(|scope| granted.contains(scope)),
        api: &api,
        in_organization: organization.is_some(),
        on_main: call.tenant.is_main(),
        offline: true,
    };
    let scope = scope::granted(&wish, &held);
    let bearer = Bearer {
        client: &client.client_id,
        person: &person,
        api: &api,
        scope: &scope,
        organization: organization.as_ref(),
        session: found.session.as_ref(),
        authenticated_at: found.authenticated_at,
        nonce: None,
    };
    let rotated = used.flag("rotating")? && !call.tenant.is_read_only();
    let successor = rotated.then(|| next.reveal());
    Ok(issue::for_person(call, &snapshot, &bearer, successor).await?)
}

/// Uses a token in one round trip: the database decides whether it is good, and only then rotates it and writes the entry.
/// Answers the token, its person, their permissions, and whether it was used.
async fn rotate(
    call: &Call,
    with: &Use<'_>,
    next: &Wire,
    idle_end: Option<Timestamp>,
) -> Result<[Vec<Row>; 4], Fault> {
    let next_id = RefreshTokenId::new(random_text(call.platform(), 22));
    let entry = LogId::new(log_id(call.platform(), call.now));
    let agent = call.request.header("user-agent").unwrap_or_default();
    let secret = next.secret.digest();
    let answers = call
        .db
        .commit([
            refresh_tokens::store::by_lookup(with.lookup).into(),
            store::person_of_refresh_token(with.lookup).into(),
            store::permissions_of_refresh_token(with.lookup, &own_management(call)).into(),
            refresh_tokens::store::insert_successor(with, &next_id, &next.lookup, &secret, idle_end),
            refresh_tokens::store::mark_used(with, idle_end),
            refresh_tokens::store::record_use(with, &entry, &call.request.ip, agent),
        ])
        .await?;
    let mut rows = answers.into_iter().map(|answer| answer.rows);
    let mut next = || rows.next().unwrap_or_default();
    let [found, people, permissions, _, used] = [next(), next(), next(), next(), next()];
    Ok([found, people, permissions, used])
}

/// The same while the tenant is read-only: a good token is served and stays what it is, whether or not it rotates. A client
/// that gets no new one keeps its own (RFC 6749 §6), and rotation goes on with the first use after that.
async fn look(call: &Call, with: &Use<'_>) -> Result<[Vec<Row>; 4], Fault> {
    call.db
        .read([
            refresh_tokens::store::by_lookup(with.lookup),
            store::person_of_refresh_token(with.lookup),
            store::permissions_of_refresh_token(with.lookup, &own_management(call)),
            refresh_tokens::store::usable(with),
        ])
        .await
}

/// Refuses a token. One that was replaced and comes back after its leeway takes its whole family with it.
async fn refuse(
    call: &Call,
    with: &Use<'_>,
    presented: &Wire,
    life: &Life,
    found: Option<RefreshToken>,
) -> Result<Refusal, Fault> {
    if call.tenant.is_read_only() {
        return Ok(invalid_grant());
    }
    let entry =
        Entry::new(Kind::FailedExchangeRefreshToken, "Refresh token refused").client(with.client.as_str());
    let Some(found) = found else {
        call.db.commit([call.record(entry)]).await?;
        return Ok(invalid_grant());
    };
    let entry = entry.user(found.user.as_str());
    if found.is_reused(&presented.secret, life.leeway, call.now) {
        let description = "Refresh token used again: its family was revoked".to_owned();
        let revoke = refresh_tokens::store::revoke_family(&found.family, call.now);
        call.db.commit([revoke, call.record(Entry { description, ..entry })]).await?;
    } else {
        call.db.commit([call.record(entry)]).await?;
    }
    Ok(invalid_grant())
}
