//! The two answers of the authorization endpoint: a code, or an error.

use super::{
    checks::{Caller, Terms},
    request::ResponseMode,
};
use crate::{
    access::Call,
    db::Statement,
    error::{Error, Fault},
    http::{
        Method, Response, StatusCode,
        page::{handed_over, sent_on},
    },
    id::{FamilyId, SessionId, UserId, random_text},
    json,
    oauth::{
        code::{CodeRequest, InOrganization, NewCode},
        sealed_code, store,
    },
    resources::snapshot::Snapshot,
    secret::Secret,
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::Value as Json;

/// Why a client gets no code (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The error code.
    pub error: &'static str,
    /// For the developer.
    pub description: String,
}

impl Denied {
    /// An error code with its explanation, of which only the characters of RFC 6749 §4.1.2.1 are kept.
    pub fn new(error: &'static str, description: impl Into<String>) -> Self {
        let mut description = description.into();
        description.retain(|letter| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\'));
        Self { error, description }
    }
}

impl From<Denied> for Error<Denied> {
    fn from(denied: Denied) -> Self {
        Self::Refused(denied)
    }
}

/// Who signed in, and when they last proved it.
pub struct Subject<'a> {
    /// The person.
    pub user: &'a UserId,
    /// Their session.
    pub session: &'a SessionId,
    /// When they last proved who they are.
    pub authenticated_at: Timestamp,
}

/// A new code for what was asked, and the statement that keeps it.
///
/// # Errors
/// A fault if the request does not serialize.
pub fn code(
    call: &Call,
    caller: &Caller,
    terms: &Terms<'_>,
    organization: Option<&InOrganization>,
    subject: &Subject<'_>,
) -> Result<(Secret, Statement<InTenant>), Fault> {
    let code = Secret::random(call.platform(), 32);
    let family = FamilyId::new(random_text(call.platform(), 22));
    let request = request(caller, terms, organization);
    let statement = store::insert_code(&code.digest(), &new(caller, subject, &request), &family, call.now)?;
    Ok((code, statement))
}

/// The same while the tenant is read-only: the code is kept nowhere. See [`sealed_code`].
///
/// # Errors
/// An error for the client if its request is too long to travel, or a fault of the seal.
pub fn sealed(
    call: &Call,
    snapshot: &Snapshot,
    caller: &Caller,
    terms: &Terms<'_>,
    organization: Option<&InOrganization>,
    subject: &Subject<'_>,
) -> Result<Secret, Error<Denied>> {
    let request = request(caller, terms, organization);
    let code = sealed_code::seal(call, snapshot, &new(caller, subject, &request))?;
    Ok(code.ok_or_else(|| {
        Denied::new("temporarily_unavailable", "The request is too long for a read-only tenant")
    })?)
}

fn request(caller: &Caller, terms: &Terms<'_>, organization: Option<&InOrganization>) -> CodeRequest {
    CodeRequest {
        redirect_uri: caller.target.as_str().to_owned(),
        code_challenge: terms.challenge.clone(),
        scope: terms.scope.to_string(),
        audience: terms.api.identifier.clone(),
        nonce: terms.nonce.clone(),
        organization: organization.cloned(),
        claims: terms.claims.asked.clone(),
    }
}

fn new<'a>(caller: &'a Caller, subject: &Subject<'a>, request: &'a CodeRequest) -> NewCode<'a> {
    NewCode {
        client: &caller.client.client.client_id,
        user: subject.user,
        session: subject.session,
        authenticated_at: subject.authenticated_at,
        request,
    }
}

/// Sends the person back with a code.
pub fn granted(call: &Call, caller: &Caller, code: &Secret) -> Response {
    answer(call, caller, &[("code", code.expose())])
}

/// Sends the person back with an ID token.
pub fn named(call: &Call, caller: &Caller, id_token: &str) -> Response {
    answer(call, caller, &[("id_token", id_token)])
}

/// Sends the person back with an error.
pub fn denied(call: &Call, caller: &Caller, denied: &Denied) -> Response {
    answer(call, caller, &[("error", denied.error), ("error_description", &denied.description)])
}

/// Every answer carries `iss` (RFC 9207), so that a client of several servers knows whose it is.
fn answer(call: &Call, caller: &Caller, parameters: &[(&str, &str)]) -> Response {
    let mut parameters = parameters.to_vec();
    if let Some(state) = &caller.state {
        parameters.push(("state", state));
    }
    parameters.push(("iss", call.tenant.issuer().as_str()));
    let target = &caller.target;
    match (caller.mode, target.origin()) {
        (ResponseMode::Fragment, _) => see(call, &target.with_fragment(&parameters)),
        (ResponseMode::FormPost, _) => sent_on("", target.as_str(), &target.leads(), &parameters),
        // Reading the mode has made sure that there is an origin.
        (ResponseMode::WebMessage, Some(origin)) => {
            let members = parameters.iter().map(|(name, value)| ((*name).to_owned(), Json::from(*value)));
            handed_over("", &origin, &Json::Object(json::gather(members)))
        }
        (ResponseMode::Query | ResponseMode::WebMessage, _) => see(call, &target.with(&parameters)),
    }
}

/// A redirect that never repeats a form with credentials: 303 after a `POST` (RFC 9700 §4.12).
pub fn see(call: &Call, location: &str) -> Response {
    let status = if call.request.method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    Response::empty(status).with("location", location)
}
