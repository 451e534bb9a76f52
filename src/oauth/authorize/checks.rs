//! What an authorization request must fulfil, in two stages: whom may we answer at all, and then what is asked.

use super::{
    request::{Prompt, Raw, ResponseMode, max_age},
    respond::Denied,
};
use crate::{
    access::{Call, login::Refusal},
    oauth::{audience::Api, pkce::Challenge, redirect::RedirectTarget, scope::Scopes},
    resources::{
        clients::model::{AuthMethod, ClientRecord, OrganizationUsage},
        connections::model::Connection,
        snapshot::Snapshot,
    },
    time::Lifetime,
};
use std::rc::Rc;

/// A known client with an address that it registered: from here on an error goes there, before it is a page.
pub struct Caller {
    /// The client.
    pub client: Rc<ClientRecord>,
    /// Where every answer goes.
    pub target: RedirectTarget,
    /// How it gets there.
    pub mode: ResponseMode,
    /// Given back with every answer.
    pub state: Option<String>,
}

/// What is asked, checked.
pub struct Terms<'a> {
    /// The API that the access token will be for.
    pub api: Api<'a>,
    /// The scopes, as asked; who may have which is decided when the token is made.
    pub scope: Scopes,
    /// Whose proof the code will need.
    pub challenge: Option<Challenge>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// How far the person may be bothered.
    pub prompt: Prompt,
    /// How long ago they may have signed in.
    pub max_age: Option<Lifetime>,
    /// The organization, by id or name.
    pub organization: Option<String>,
    /// What they sign in with.
    pub connection: &'a Connection,
}

/// A parameter longer than this is nobody's honest request; everything travels in the state of the login pages.
const MAX_PARAMETER: usize = 2048;

/// Checks the client and the address. A repeated `client_id` or `redirect_uri` is neither; `client` is what was found
/// under that id, and `organization` the name of the one that is asked for, where a registered address depends on it.
///
/// # Errors
/// A page: nothing is sent to an address that nobody registered (RFC 6749 §3.1.2.4), nor posted to a page of an origin
/// that nobody registered for that.
pub fn caller(
    raw: &Raw,
    repeated: &[String],
    client: Option<Rc<ClientRecord>>,
    organization: Option<&str>,
) -> Result<Caller, Refusal> {
    if let Some(name) = repeated.iter().find(|name| matches!(name.as_str(), "client_id" | "redirect_uri")) {
        return Err(Refusal::bad_request(format!("The parameter {name} is given more than once.")));
    }
    if raw.client_id.is_none() {
        return Err(Refusal::bad_request("The parameter client_id is missing."));
    }
    let unknown = || Refusal::bad_request("The application that sent you here is not known.");
    let client = client.ok_or_else(unknown)?;
    let Some(uri) = &raw.redirect_uri else {
        return Err(Refusal::bad_request("The parameter redirect_uri is missing."));
    };
    let (callbacks, kind) = (&client.client.callbacks, client.client.app_type);
    let target = RedirectTarget::matching(uri, callbacks, kind, organization).ok_or_else(|| {
        Refusal::bad_request("The redirect_uri is not one of the application's allowed callback URLs.")
    })?;
    let state = raw.state.clone().filter(|_| !repeated.iter().any(|name| name == "state"));
    let mode = ResponseMode::read(raw.response_mode.as_deref(), &target).unwrap_or_default();
    if let (ResponseMode::WebMessage, Some(origin)) = (mode, target.origin())
        && !client.client.has_web_origin(&origin, organization)
    {
        return Err(Refusal::bad_request(format!(
            "{origin} is not one of the application's allowed web origins (web_origins), so nothing can be posted to its pages."
        )));
    }
    Ok(Caller { client, target, mode, state })
}

/// Checks everything else.
///
/// # Errors
/// An error for the client.
pub fn terms<'a>(
    call: &'a Call,
    snapshot: &'a Snapshot,
    caller: &Caller,
    raw: &Raw,
    repeated: &[String],
) -> Result<Terms<'a>, Denied> {
    let invalid = |why: &str| Denied::new("invalid_request", why);
    // RFC 6749 §3.1: parameters must not be included more than once.
    if let Some(name) = repeated.first() {
        return Err(invalid(&format!("{name} is given more than once")));
    }
    if raw.to_map().values().any(|value| value.as_str().is_some_and(|text| text.len() > MAX_PARAMETER)) {
        return Err(invalid("a parameter is too long"));
    }
    if raw.request.is_some() {
        return Err(Denied::new("request_not_supported", "request objects are not supported"));
    }
    if raw.request_uri.is_some() {
        return Err(Denied::new("request_uri_not_supported", "request_uri is not supported"));
    }
    match raw.response_type.as_deref() {
        Some("code") => {}
        // RFC 9700 §2.1.2: no tokens in URLs.
        Some(_) => return Err(Denied::new("unsupported_response_type", "response_type must be code")),
        None => return Err(invalid("response_type is missing")),
    }
    ResponseMode::read(raw.response_mode.as_deref(), &caller.target).map_err(invalid)?;
    let client = &caller.client.client;
    if !client.allows("authorization_code") {
        return Err(Denied::new("unauthorized_client", "The client may not use authorization_code"));
    }
    let challenge = Challenge::read(raw.code_challenge.as_deref(), raw.code_challenge_method.as_deref());
    let challenge = challenge.map_err(invalid)?;
    // RFC 9700 §2.1.1: public clients must use PKCE.
    if challenge.is_none() && client.token_endpoint_auth_method == AuthMethod::None {
        return Err(invalid("code_challenge is required for this client"));
    }
    let organization =
        organization(client.organization_usage, raw.organization.as_deref()).map_err(invalid)?;
    Ok(Terms {
        api: api(call, snapshot, raw)?,
        scope: Scopes::parse(raw.scope.as_deref().unwrap_or_default()),
        challenge,
        nonce: raw.nonce.clone(),
        prompt: Prompt::read(raw.prompt.as_deref()).map_err(invalid)?,
        max_age: max_age(raw.max_age.as_deref()).map_err(invalid)?,
        organization,
        connection: connection(snapshot, raw)?,
    })
}

fn organization(usage: OrganizationUsage, asked: Option<&str>) -> Result<Option<String>, &'static str> {
    match (usage, asked) {
        (OrganizationUsage::Deny, Some(_)) => Err("parameter organization is not allowed for this client"),
        (OrganizationUsage::Require, None) => Err("parameter organization is required for this client"),
        (_, asked) => Ok(asked.map(str::to_owned)),
    }
}

fn api<'a>(call: &'a Call, snapshot: &'a Snapshot, raw: &Raw) -> Result<Api<'a>, Denied> {
    let asked = raw.audience.as_ref().or(snapshot.settings.default_audience.as_ref());
    let Some(asked) = asked else { return Ok(Api::userinfo(call)) };
    // Auth0: access_denied, where RFC 8707 §2 has invalid_target.
    Api::for_person(call, snapshot, asked)
        .ok_or_else(|| Denied::new("access_denied", format!("Service not found: {asked}")))
}

fn connection<'a>(snapshot: &'a Snapshot, raw: &Raw) -> Result<&'a Connection, Denied> {
    let found = match &raw.connection {
        None => snapshot.database_connection(),
        Some(name) => snapshot.connections.iter().find(|connection| connection.name == *name),
    };
    found
        .filter(|connection| connection.is_database())
        .ok_or_else(|| Denied::new("invalid_request", "There is no such connection to sign in with"))
}
