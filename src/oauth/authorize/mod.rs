//! The authorization endpoint (RFC 6749 §3.1): request → checks → decide → respond.

pub mod checks;
pub mod decide;
pub mod request;
pub mod respond;
pub mod transaction;

use super::{code::InOrganization, store};
use crate::{
    access::{
        Area, Call, Login,
        login::{Need, Refusal},
        session,
    },
    error::{Error, Fault},
    events::{Entry, Kind},
    http::{Pairs, Response, route::Routes},
    id::ClientId,
    resources::{
        sessions::{self, model::Session},
        snapshot::Snapshot,
    },
};
use checks::Caller;
use decide::{Decision, decide};
use request::Raw;
use respond::{Denied, Subject};
use transaction::Transaction;

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
    Ok(checks::caller(raw, repeated, client)?)
}

async fn answer(
    call: &Call,
    snapshot: &Snapshot,
    caller: &Caller,
    raw: Raw,
    repeated: &[String],
) -> Result<Response, Error<Denied>> {
    let terms = checks::terms(call, snapshot, caller, &raw, repeated)?;
    let (session, organization) = present(call, snapshot, terms.organization.as_deref()).await?;
    if terms.organization.is_some() && organization.is_none() {
        return Err(Denied::new("invalid_request", "There is no such organization").into());
    }
    let (organization, is_member) = organization.unzip();
    let session = match decide(terms.prompt, terms.max_age, session, is_member, call.now) {
        Decision::Issue(session) => session,
        Decision::Login => {
            // Signing in is a change: nobody types a password only to hear that it is not possible now.
            call.check_writable()?;
            return Transaction::begin(call, snapshot, raw, organization);
        }
        Decision::Refuse(denied) => return Err(denied.into()),
    };
    let subject =
        Subject { user: &session.user_id, session: &session.id, authenticated_at: session.authenticated_at };
    if call.tenant.is_read_only() {
        let code = respond::sealed(call, snapshot, caller, &terms, organization.as_ref(), &subject)?;
        return Ok(respond::granted(call, caller, &code));
    }
    let (code, insert) = respond::code(call, caller, &terms, organization.as_ref(), &subject)?;
    let client = &caller.client.client.client_id;
    let idle = call.now.plus(snapshot.settings.idle_session_lifetime());
    let entry = Entry::new(Kind::SuccessSilentAuth, "Signed in by session");
    let entry = entry.user(session.user_id.as_str()).client(client.as_str());
    call.db
        .commit([insert, sessions::store::touch(&session.id, client, idle, call.now), call.record(entry)])
        .await?;
    Ok(respond::granted(call, caller, &code))
}

/// The session of the browser, and the organization that was asked for with whether the session's person is a member:
/// one round trip, or none if there is no cookie and the organization is known already.
async fn present(
    call: &Call,
    snapshot: &Snapshot,
    organization: Option<&str>,
) -> Result<(Option<Session>, Option<(InOrganization, bool)>), Fault> {
    let cookie = session::digest(&call.request);
    if cookie.is_none() {
        let Some(asked) = organization else { return Ok((None, None)) };
        if let Some((id, name)) = snapshot.organization(asked) {
            return Ok((None, Some((InOrganization { id, name }, false))));
        }
    }
    let asked = organization.unwrap_or_default();
    let [sessions, organizations] = call
        .db
        .read([sessions::store::by_digest(cookie.as_ref()), store::organization(asked, cookie.as_ref())])
        .await?;
    let session = sessions.first().map(sessions::store::session).transpose()?;
    let organization = organizations.first().map(store::organization_of).transpose()?;
    if let Some((found, _)) = &organization {
        snapshot.keep_organization(asked, found.id.clone(), found.name.clone());
    }
    Ok((session, organization))
}
