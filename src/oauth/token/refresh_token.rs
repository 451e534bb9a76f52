//! The refresh token grant (RFC 6749 §6) with rotation and reuse detection (RFC 9700 §4.14).

use super::{
    issue::{self, Bearer, LOOKUP, Tokens},
    wanted::{Wanted, other_api},
};
use crate::{
    access::{Area, Call, OAuth, oauth::Refusal},
    db::Row,
    error::{Error, Fault},
    events::{Entry, Kind, log_id},
    id::{LogId, RefreshTokenId, random_text},
    oauth::{
        audience::{Api, own_management},
        claims::Asked,
        code::InOrganization,
        person::Person,
        scope::{self, OPENID, Scopes, Wish},
        store,
    },
    resources::{
        clients::model::{Client, RefreshTokenPolicy},
        endings,
        refresh_tokens::{
            self,
            model::{Life, RefreshToken, Wire},
            store::Use,
        },
        snapshot::Snapshot,
    },
    time::Timestamp,
};
use serde::Deserialize;

/// What a client brings.
#[derive(Deserialize)]
pub(super) struct Fields {
    refresh_token: Option<String>,
}

fn invalid_grant() -> Refusal {
    Refusal::new("invalid_grant", "Unknown or invalid refresh token.")
}

pub(super) async fn exchange(cx: &OAuth, fields: Fields, wanted: &Wanted) -> Result<Tokens, Error<Refusal>> {
    let (call, record) = (cx.call(), cx.client()?);
    let snapshot = call.snapshot().await?;
    let client = &record.client;
    let token =
        fields.refresh_token.ok_or_else(|| Refusal::new("invalid_request", "refresh_token is missing"))?;
    let presented = Wire::parse(&token).ok_or_else(invalid_grant)?;
    let life = Life::of(client);
    let policy = policy(call, &snapshot, client, wanted.audience()?);
    let with = Use {
        lookup: &presented.lookup,
        digest: &presented.secret.digest(),
        client: &client.client_id,
        now: call.now,
        replaced_after: call.now.minus(life.leeway),
        audience: wanted.audience()?,
        elsewhere: policy.is_some(),
        organization: wanted.organization.as_deref(),
    };
    let lookup = random_text(call.platform(), LOOKUP);
    let next = successor(call, &snapshot, lookup, &presented)?;
    let looked = if call.tenant.is_read_only() {
        look(call, &with).await?
    } else {
        rotate(call, &with, &next, life.idle_end(call.now), Life::belated_end(client, call.now)).await?
    };
    let [found, people, permissions, used] = looked;
    let found = found.first().map(refresh_tokens::store::refresh_token).transpose()?;
    let person = people.first().map(Person::of).transpose()?;
    let (Some(used), Some(found), Some(person)) = (used.first(), &found, person) else {
        return Err(refuse(call, &with, wanted, &presented, &life, found).await?.into());
    };

    let audience = with.audience.unwrap_or(&found.audience);
    let policy = policy.filter(|_| audience != found.audience);
    let api = Api::for_person(call, &snapshot, audience).ok_or_else(invalid_grant)?;
    let held = store::held(&permissions, api.registered())?;
    let organization = found.organization.clone().map(|(id, name)| InOrganization { id, name });
    let granted = Scopes::parse(&found.scope);
    // Of another API, what the policy says; what is about the person stays as it was granted.
    let granted = match policy {
        Some(policy) => {
            let about_person = granted.iter().filter(|scope| OPENID.contains(scope));
            about_person.chain(policy.scope.iter().map(String::as_str)).collect()
        }
        None => granted,
    };
    // RFC 6749 §6: fewer scopes than granted, never more. What the person no longer holds is gone as well.
    let asked = wanted.scope().unwrap_or_else(|| granted.clone());
    let wish = Wish {
        scope: &asked.filtered(|scope| granted.contains(scope)),
        api: &api,
        in_organization: organization.is_some(),
        on_main: call.tenant.is_main(),
        offline: true,
    };
    let (scope, permissions) = (scope::granted(&wish, &held), scope::permissions(&wish, &held));
    let claims = found.claims.as_deref().map(Asked::stored).unwrap_or_default();
    let bearer = Bearer {
        client,
        person: &person,
        api: &api,
        scope: &scope,
        permissions: &permissions,
        organization: organization.as_ref(),
        // Offline access goes on after the session, and speaks of it no more.
        session: found.session.as_ref().filter(|_| !person.session_ended),
        authenticated_at: found.authenticated_at,
        nonce: None,
        claims: &claims,
    };
    let rotated = used.flag("rotating")? && !call.tenant.is_read_only();
    let answered = match used.optional_text("successor")? {
        Some(lookup) if rotated && lookup != next.lookup => {
            // It was replaced a moment ago, and is answered with the same again. After a change of the tenant's key that
            // cannot be said any more.
            let again = successor(call, &snapshot, lookup, &presented)?;
            let is_it = found.successor.as_ref().is_none_or(|digest| digest.matches(&again.secret));
            Some(is_it.then_some(again).ok_or_else(invalid_grant)?)
        }
        _ => rotated.then_some(next),
    };
    Ok(issue::for_person(call, &snapshot, &bearer, answered.map(|wire| wire.reveal())).await?)
}

/// The token that follows a rotating one: whoever has that gets the same one, however often they ask and whoever answers,
/// and it is kept nowhere. 95 bits find it, 256 prove it.
fn successor(call: &Call, snapshot: &Snapshot, lookup: String, presented: &Wire) -> Result<Wire, Fault> {
    let purpose = format!("refresh token {} {lookup}", call.tenant.id());
    let secret = snapshot.seal.derive(&purpose, &presented.secret)?;
    Ok(Wire { lookup, secret })
}

/// What the client may have of another API by this token (Auth0: multi-resource refresh tokens): only our own clients, whom
/// no consent is asked for, and never the management API, which a person signs in for by itself.
fn policy<'a>(
    call: &Call,
    snapshot: &Snapshot,
    client: &'a Client,
    audience: Option<&str>,
) -> Option<&'a RefreshTokenPolicy> {
    let audience = audience?;
    let policies = client.refresh_token.policies.iter().filter(|_| client.is_first_party);
    let found = policies.into_iter().find(|policy| policy.audience == audience)?;
    let api = Api::find(call, snapshot, audience)?;
    (!api.is_management()).then_some(found)
}

/// Uses a token in one round trip: the database decides whether it is good, and only then rotates it and writes the entry.
/// Answers the token, its person, their permissions, and whether it was used.
async fn rotate(
    call: &Call,
    with: &Use<'_>,
    next: &Wire,
    idle_end: Option<Timestamp>,
    end: Option<Timestamp>,
) -> Result<[Vec<Row>; 4], Fault> {
    let next_id = RefreshTokenId::new(random_text(call.platform(), 22));
    let entry = LogId::new(log_id(call.platform(), call.now));
    let agent = call.request.agent();
    let secret = next.secret.digest();
    let answers = call
        .db
        .commit([
            refresh_tokens::store::by_lookup(with.lookup).into(),
            store::person_of_refresh_token(with.lookup).into(),
            store::permissions_of_refresh_token(with.lookup, &own_management(call), with.audience).into(),
            refresh_tokens::store::insert_successor(with, &next_id, &next.lookup, &secret, idle_end),
            refresh_tokens::store::mark_used(with, &next.lookup, idle_end, end),
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
            store::permissions_of_refresh_token(with.lookup, &own_management(call), with.audience),
            refresh_tokens::store::usable(with),
        ])
        .await
}

/// Refuses a token. One that was replaced and comes back takes its whole family with it, and the session that it came of:
/// whoever has the one may have the other.
async fn refuse(
    call: &Call,
    with: &Use<'_>,
    wanted: &Wanted,
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
    let is_theirs = found.client == *with.client && found.digest.matches(&presented.secret);
    let is_reused = found.is_reused(&presented.secret, life.leeway, call.now);
    if is_theirs
        && !is_reused
        && let Some(refusal) = unwanted(&found, with, wanted)
    {
        call.db.commit([call.record(entry)]).await?;
        return Ok(refusal);
    }
    if is_reused {
        let description =
            "Refresh token used again: its family was revoked, and its session ended".to_owned();
        let ended = found.session.iter().flat_map(|id| endings::of_session(&found.user, id, call.now));
        let revoke = refresh_tokens::store::revoke_family(&found.family, call.now);
        let entry = call.record(Entry { description, ..entry });
        call.db.commit(std::iter::once(revoke).chain(ended).chain([entry])).await?;
    } else {
        call.db.commit([call.record(entry)]).await?;
    }
    Ok(invalid_grant())
}

/// Why a token of this client is not good for what it wants. Nothing was done with the token: it stays good for what it is.
fn unwanted(found: &RefreshToken, with: &Use<'_>, wanted: &Wanted) -> Option<Refusal> {
    if with.audience.is_some_and(|audience| audience != found.audience && !with.elsewhere) {
        let why =
            "The refresh token is not for this API, and refresh_token.policies of the client do not name it";
        return Some(other_api(why));
    }
    let organization = found.organization.as_ref().map(|(id, name)| (id.as_str(), name.as_str()));
    wanted.check_organization(organization).err()
}
