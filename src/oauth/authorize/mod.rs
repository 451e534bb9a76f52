//! The authorization endpoint (RFC 6749 §3.1): request → checks → decide → respond.

pub mod checks;
pub mod consent;
pub mod decide;
pub mod request;
pub mod respond;
pub mod transaction;

use super::{
    code::InOrganization,
    person::Person,
    scope::Scopes,
    store,
    token::issue::{self, Bearer},
};
use crate::{
    access::{
        Area, Call, Login,
        login::{Need, Refusal},
        session,
    },
    db::Statement,
    error::{Error, Fault},
    events::{self, Entry},
    http::{Pairs, Response, route::Routes},
    id::ClientId,
    resources::{
        clients::{model::ClientRecord, urls::ORGANIZATION},
        grants,
        sessions::{self, model::Session},
        snapshot::Snapshot,
    },
    secret::Secret,
    tenant::InTenant,
};
use checks::{Caller, Kind, Terms};
use consent::Wanted;
use decide::{Decision, decide};
use request::{Prompt, Raw, ResponseMode};
use respond::{Denied, Subject};
use transaction::{Halfway, Start, Transaction};

/// The one endpoint; OpenID Connect Core §3.1.2.1 wants both methods.
pub fn routes(r: &mut Routes) {
    r.get("/authorize", Need::Open, authorize);
    r.post("/authorize", Need::Open, authorize);
}

async fn authorize(cx: &Login, parameters: Pairs) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let snapshot = call.snapshot().await?;
    let repeated = parameters.repeated();
    let raw: Raw = parameters.present().decode().map_err(Login::malformed)?;
    let caller = caller(call, &snapshot, &raw, &repeated).await?;
    match answer(call, &snapshot, &caller, raw, &repeated).await {
        Ok(response) => Ok(response),
        Err(Error::Refused(denied)) => Ok(respond::denied(call, &caller, &denied)),
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

/// Finds the client and checks where it may be answered.
///
/// # Errors
/// As [`checks::caller`], or a fault of the database.
pub async fn caller(
    call: &Call,
    snapshot: &Snapshot,
    raw: &Raw,
    repeated: &[String],
) -> Result<Caller, Error<Refusal>> {
    let client = match &raw.client_id {
        Some(id) => snapshot.client(&call.db, &ClientId::new(id.as_str())).await?,
        None => None,
    };
    let organization = match &client {
        Some(record) => organization_name(call, snapshot, record, raw).await?,
        None => None,
    };
    Ok(checks::caller(raw, repeated, client, organization.as_deref())?)
}

/// The name of the organization that is asked for, if an address of the client depends on it (Auth0).
async fn organization_name(
    call: &Call,
    snapshot: &Snapshot,
    record: &ClientRecord,
    raw: &Raw,
) -> Result<Option<String>, Fault> {
    let urls = record.client.callbacks.iter().chain(&record.client.web_origins);
    let depends = urls.into_iter().any(|url| url.contains(ORGANIZATION));
    let Some(asked) = raw.organization.as_deref().filter(|_| depends) else { return Ok(None) };
    if let Some((_, name)) = snapshot.organization(asked) {
        return Ok(Some(name));
    }
    let row = call.db.first(store::organization(asked, None)).await?;
    let Some((found, _)) = row.as_ref().map(store::organization_of).transpose()? else { return Ok(None) };
    snapshot.keep_organization(asked, found.id, found.name.clone());
    Ok(Some(found.name))
}

async fn answer(
    call: &Call,
    snapshot: &Snapshot,
    caller: &Caller,
    raw: Raw,
    repeated: &[String],
) -> Result<Response, Error<Denied>> {
    let terms = checks::terms(call, snapshot, caller, &raw, repeated)?;
    let Present { session, organization, consent } =
        present(call, snapshot, caller, &terms, terms.organization.as_deref()).await?;
    let (organization, is_member) = organization.unzip();
    let mfa = &snapshot.settings.mfa;
    let session = match decide(&terms, session, is_member, mfa, call.now) {
        Decision::Issue(session) => session,
        Decision::Prove(session) => {
            call.check_writable()?;
            let halfway =
                Halfway::new(session.user_id, session.authenticated_at, call.now, session.signed_out_at);
            return Transaction::begin(call, snapshot, raw, organization, Start::SecondFactor(halfway));
        }
        Decision::Login => {
            // Signing in is a change: nobody types a password only to hear that it is not possible now.
            call.check_writable()?;
            return Transaction::begin(call, snapshot, raw, organization, Start::Person);
        }
        Decision::Refuse(denied) => return Err(denied.into()),
    };
    let confirms = checks::asks_for_confirmation(snapshot, caller);
    if consent == Consent::Missing || confirms {
        if terms.prompt == Prompt::None {
            // OpenID Connect Core §3.1.2.6.
            return Err(match consent {
                Consent::Missing => Denied::new("consent_required", "Consent required"),
                Consent::Given => {
                    Denied::new("interaction_required", "The user must confirm the application")
                }
            }
            .into());
        }
        call.check_writable()?;
        return Transaction::begin(call, snapshot, raw, organization, Start::Consent(session.id));
    }
    answered(call, snapshot, caller, &terms, organization.as_ref(), &session, None).await
}

/// Ends an authorization request of somebody who has a session: with a code or an ID token, and with what they have just
/// agreed to.
///
/// # Errors
/// An error for the client, or a fault of the database.
pub async fn answered(
    call: &Call,
    snapshot: &Snapshot,
    caller: &Caller,
    terms: &Terms<'_>,
    organization: Option<&InOrganization>,
    session: &Session,
    agreed: Option<Statement<InTenant>>,
) -> Result<Response, Error<Denied>> {
    terms.claims.check(&session.user_id, session.has_second_factor)?;
    let subject =
        Subject { user: &session.user_id, session: &session.id, authenticated_at: session.authenticated_at };
    if terms.kind == Kind::IdToken {
        let token = id_token(call, snapshot, caller, terms, organization, session).await?;
        if !call.tenant.is_read_only() {
            let batch = agreed.into_iter().chain(used(call, snapshot, caller, session));
            call.db.commit(batch).await?;
        }
        return Ok(respond::named(call, caller, &token));
    }
    if call.tenant.is_read_only() {
        let code = respond::sealed(call, snapshot, caller, terms, organization, &subject)?;
        return Ok(respond::granted(call, caller, &code));
    }
    let (code, insert) = respond::code(call, caller, terms, organization, &subject)?;
    let used = used(call, snapshot, caller, session);
    let mut batch: Vec<_> = agreed.into_iter().chain([insert]).chain(used).collect();
    let mut response = respond::granted(call, caller, &code);
    if session::is_former(call) {
        let secret = Secret::random(call.platform(), 32);
        batch.push(sessions::store::renew(&session.id, &secret.digest()));
        let ends = session.expires_at.since(call.now);
        response = session::keep(call, snapshot, response, &secret, ends)?;
    }
    call.db.commit(batch).await?;
    Ok(response)
}

/// What is noted when a session answers.
fn used(call: &Call, snapshot: &Snapshot, caller: &Caller, session: &Session) -> [Statement<InTenant>; 2] {
    let client = &caller.client.client.client_id;
    let idle = call.now.plus(snapshot.settings.idle_session_lifetime());
    let entry = Entry::new(events::Kind::SuccessSilentAuth, "Signed in by session");
    let entry = entry.user(session.user_id.as_str()).client(client.as_str());
    [sessions::store::touch(&session.id, client, idle, call.now), call.record(entry)]
}

/// An ID token for the person of a session: with what the scopes say of them, since no access token comes with it to ask for
/// that (OpenID Connect Core §5.4).
async fn id_token(
    call: &Call,
    snapshot: &Snapshot,
    caller: &Caller,
    terms: &Terms<'_>,
    organization: Option<&InOrganization>,
    session: &Session,
) -> Result<String, Error<Denied>> {
    let in_organization = organization.map(|organization| &organization.id);
    let query = store::person_of_token(&session.user_id, Some(&session.id), in_organization);
    let person = call.db.first(query).await?.as_ref().map(Person::of).transpose()?;
    let person =
        person.filter(Person::is_welcome).ok_or_else(|| Denied::new("login_required", "Login required"))?;
    let bearer = Bearer {
        client: &caller.client.client,
        person: &person,
        api: &terms.api,
        scope: &terms.scope,
        permissions: &Scopes::parse(""),
        organization,
        session: Some(&session.id),
        authenticated_at: session.authenticated_at,
        nonce: terms.nonce.as_deref(),
        claims: &terms.claims.asked,
    };
    Ok(issue::id_token(call, snapshot, &bearer, None).await?)
}

/// Whether a person has agreed to what a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// They have, or need not be asked.
    Given,
    /// They have to be asked.
    Missing,
}

/// What is there already when a request comes.
pub struct Present {
    /// The session of the browser, alive or not.
    pub session: Option<Session>,
    /// The organization that was asked for, and whether the session's person is its member.
    pub organization: Option<(InOrganization, bool)>,
    /// Whether the session's person has agreed.
    pub consent: Consent,
}

/// Looks for all of that: one round trip, or none if there is no cookie and the organization is known already.
///
/// # Errors
/// A fault of the database.
pub async fn present(
    call: &Call,
    snapshot: &Snapshot,
    caller: &Caller,
    terms: &Terms<'_>,
    organization: Option<&str>,
) -> Result<Present, Fault> {
    let in_frame = terms.prompt == Prompt::None && caller.mode == ResponseMode::WebMessage;
    let cookie = if in_frame { session::digest_in_frame(call, snapshot) } else { session::digest(call) };
    let client = &caller.client.client;
    let nobody = |organization| Present { session: None, organization, consent: Consent::Missing };
    if cookie.is_none() {
        let Some(asked) = organization else { return Ok(nobody(None)) };
        if let Some((id, name)) = snapshot.organization(asked) {
            return Ok(nobody(Some((InOrganization { id, name }, false))));
        }
    }
    let (asked, wanted) = (organization.unwrap_or_default(), Wanted::of(terms));
    let [sessions, organizations, grants] = call
        .db
        .read([
            sessions::store::by_digest(cookie.as_ref()),
            store::organization(asked, cookie.as_ref()),
            grants::store::of_session(cookie.as_ref(), &client.client_id, &wanted.audience),
        ])
        .await?;
    let session = sessions.first().map(sessions::store::session).transpose()?;
    let session = session.filter(|session| checks::may_answer(snapshot, client, session));
    let found = organizations.first().map(store::organization_of).transpose()?;
    if let Some((found, _)) = &found {
        snapshot.keep_organization(asked, found.id.clone(), found.name.clone());
    }
    // Whether there is such an organization is nothing for strangers: they are asked to sign in, and are no members.
    let organization = organization.map(|_| found.unwrap_or_else(|| (InOrganization::nobodys(), false)));
    let given = grants.first().map(grants::store::scopes).transpose()?;
    let agreed = terms.prompt != Prompt::Consent && wanted.is_covered(given.as_deref());
    let consent = if agreed || !consent::is_asked(&caller.client, &terms.api) {
        Consent::Given
    } else {
        Consent::Missing
    };
    Ok(Present { session, organization, consent })
}
