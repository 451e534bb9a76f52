//! The end of a login: a session, a code, and the way back to the application; or to the page that asks whether a client
//! of somebody else may have what it wants.

use super::{store, visit::Visit};
use crate::{
    access::{Call, session},
    db::Statement,
    error::Fault,
    events::{Entry, Kind},
    http::Response,
    id::{SessionId, UserId, random_text},
    oauth::{
        self,
        authorize::{
            checks::{Kind as Answer, Terms},
            consent::is_asked,
            respond::{self, Subject},
            transaction::CONSENT,
        },
    },
    resources::{
        endings, refresh_tokens,
        sessions::{
            self,
            model::{NewSession, Session},
        },
    },
    secret::Secret,
    tenant::InTenant,
    time::{Lifetime, Timestamp},
};

/// A login that is about to be committed.
pub struct Finish {
    /// Everything that changes, in one batch.
    pub batch: Vec<Statement<InTenant>>,
    response: Response,
}

impl Finish {
    /// The answer, once the batch has been committed.
    ///
    /// # Errors
    /// As `Db::commit`.
    pub async fn commit(self, call: &Call) -> Result<Response, Fault> {
        call.db.commit(self.batch).await?;
        Ok(self.response)
    }
}

/// Who signs in.
pub struct Proven<'a> {
    /// Them.
    pub user: &'a UserId,
    /// When they proved it by what is asked for first.
    pub at: Timestamp,
    /// What they have proven it by beyond a password: JSON, RFC 8176.
    pub amr: Option<&'a str>,
}

/// Prepares the end of a login. The cookie is a new secret at every login, so that nobody who knew or planted
/// the old one has the session (OWASP: session fixation). `before` is the browser's session so far: the same person
/// keeps its public id, somebody else's is ended.
///
/// # Errors
/// A fault if the request does not serialize.
pub fn prepare(
    call: &Call,
    visit: &Visit,
    terms: &Terms<'_>,
    proven: &Proven<'_>,
    before: Option<&Session>,
) -> Result<Finish, Fault> {
    let user = proven.user;
    let settings = &visit.snapshot.settings;
    let client = &visit.caller.client.client.client_id;
    let before = before.filter(|session| session.is_live(call.now));
    let own = before.filter(|session| session.user_id == *user);
    let id =
        own.map_or_else(|| SessionId::new(random_text(call.platform(), 22)), |session| session.id.clone());
    let secret = Secret::random(call.platform(), 32);
    let agent = call.request.agent();
    let new = NewSession {
        id: &id,
        digest: &secret.digest(),
        user,
        client,
        ip: &call.request.ip,
        user_agent: agent,
        authenticated_at: proven.at,
        amr: proven.amr,
        expires_at: call.now.plus(settings.session_lifetime()),
        idle_expires_at: call.now.plus(settings.idle_session_lifetime()),
    };
    let subject = Subject { user, session: &id, authenticated_at: proven.at };
    let organization = visit.transaction.organization.as_ref();
    let is_asked = is_asked(&visit.caller.client, &terms.api);
    let (response, code) = if let Err(denied) = terms.claims.check(user, proven.amr.is_some()) {
        // They are who they are, only not whom the client wants.
        (respond::denied(call, &visit.caller, &denied), None)
    } else if !is_asked && terms.kind == Answer::Code {
        let (code, insert) = respond::code(call, &visit.caller, terms, organization, &subject)?;
        (respond::granted(call, &visit.caller, &code), Some(insert))
    } else {
        // What they have agreed to before is looked up there, now that it is known who they are; and that page answers as a
        // session does.
        let transaction = visit.transaction.clone().led_to(id.clone());
        (respond::see(call, &transaction.url(call, &visit.snapshot, CONSENT)?), None)
    };
    let entry = Entry::new(Kind::SuccessLogin, "Signed in").user(user.as_str()).client(client.as_str());
    let mut batch = vec![
        sessions::store::start(&new, call.now),
        store::signed_in(user, &call.request.ip, call.now),
        call.record(entry),
    ];
    batch.extend(code);
    if let Some(other) = before.filter(|session| session.user_id != *user) {
        batch.extend(endings::store::end(settings.sign_out(), &other.user_id, Some(&other.id), call.now));
    }
    batch.extend(sweep(call.now));
    let response = session::keep(call, &visit.snapshot, response, &secret, settings.session_lifetime())?;
    Ok(Finish { batch, response })
}

/// Each login clears away some of what earlier ones left behind a day ago: more than it leaves itself, so that nothing
/// piles up, and in the same round trip.
fn sweep(now: Timestamp) -> [Statement<InTenant>; 3] {
    let moment = now.minus(Lifetime::days(1));
    [oauth::store::sweep_codes(moment), sessions::store::sweep(moment), refresh_tokens::store::sweep(moment)]
}
