//! What an authorization request must fulfil, in two stages: whom may we answer at all, and then what is asked.

use super::{
    request::{Prompt, Raw, ResponseMode, max_age},
    respond::Denied,
};
use crate::{
    access::{Call, login::Refusal},
    id::ClientId,
    oauth::{audience::Api, claims, pkce::Challenge, redirect::RedirectTarget, scope::Scopes},
    resources::{
        clients::model::{AppType, AuthMethod, Client, ClientRecord, OrganizationUsage},
        connections::model::Connection,
        sessions::model::Session,
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

/// What the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A code.
    Code,
    /// An ID token and no more, in a form (OpenID Connect Core §3.2).
    IdToken,
}

/// What is asked, checked.
pub struct Terms<'a> {
    /// What the client gets.
    pub kind: Kind,
    /// The API that the access token will be for.
    pub api: Api<'a>,
    /// The scopes, as asked; who may have which is decided when the token is made.
    pub scope: Scopes,
    /// Whose proof the code will need.
    pub challenge: Option<Challenge>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// Single claims, and what they say of whom it is about.
    pub claims: claims::Request,
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
    let mode = ResponseMode::read(raw.response_mode.as_deref(), &caller.target).map_err(invalid)?;
    let scope = Scopes::parse(raw.scope.as_deref().unwrap_or_default());
    let is_openid = scope.contains("openid");
    let kind = match raw.response_type.as_deref() {
        Some("code") => Kind::Code,
        Some("id_token") => Kind::IdToken,
        // RFC 9700 §2.1.2: no access tokens in answers that pass through the browser.
        Some(_) => {
            return Err(Denied::new(
                "unsupported_response_type",
                "response_type must be code, or id_token with response_mode form_post",
            ));
        }
        None => return Err(invalid("response_type is missing")),
    };
    let client = &caller.client.client;
    if kind == Kind::IdToken {
        // In a URL it would stand in histories and logs.
        if mode != ResponseMode::FormPost {
            return Err(invalid("response_type id_token needs response_mode form_post"));
        }
        // OpenID Connect Core §3.2.2.1: what ties the token to the request.
        if raw.nonce.is_none() {
            return Err(invalid("nonce is required for response_type id_token"));
        }
        if !is_openid {
            return Err(Denied::new("invalid_scope", "response_type id_token needs the scope openid"));
        }
    }
    let may = client.allows("authorization_code") || (kind == Kind::IdToken && client.allows("implicit"));
    if !may {
        return Err(Denied::new("unauthorized_client", "The client may not use authorization_code"));
    }
    let challenge = Challenge::read(raw.code_challenge.as_deref(), raw.code_challenge_method.as_deref());
    let challenge = challenge.map_err(invalid)?;
    // RFC 9700 §2.1.1: public clients must use PKCE.
    if kind == Kind::Code && challenge.is_none() && client.token_endpoint_auth_method == AuthMethod::None {
        return Err(invalid("code_challenge is required for this client"));
    }
    let claims = raw.claims.as_deref().map(claims::Request::read).transpose().map_err(invalid)?;
    let organization =
        organization(client.organization_usage, raw.organization.as_deref()).map_err(invalid)?;
    Ok(Terms {
        api: api(call, snapshot, raw)?,
        kind,
        scope,
        challenge,
        nonce: raw.nonce.clone(),
        // They are of OpenID Connect: without its scope there is neither an ID token nor userinfo.
        claims: claims.filter(|_| is_openid).unwrap_or_default(),
        prompt: Prompt::read(raw.prompt.as_deref()).map_err(invalid)?,
        max_age: max_age(raw.max_age.as_deref()).map_err(invalid)?,
        organization,
        connection: connection(snapshot, &client.client_id, raw)?,
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

/// The connection that is named, or else the first one; of those that the client may use. One that it may not is as one that
/// there is not.
fn connection<'a>(snapshot: &'a Snapshot, client: &ClientId, raw: &Raw) -> Result<&'a Connection, Denied> {
    let usable = |connection: &&Connection| connection.is_database() && connection.is_enabled_for(client);
    let mut usable = snapshot.connections.iter().filter(usable);
    match &raw.connection {
        // Auth0's words.
        None => usable.next().ok_or("no connections enabled for the client"),
        Some(name) => usable
            .find(|connection| connection.name == *name)
            .ok_or("There is no such connection to sign in with"),
    }
    .map_err(|why| Denied::new("invalid_request", why))
}

/// Whether a session can answer for its person at this client: not if their connection is not for it, nor, at a client that
/// stands alone, if it was begun elsewhere and they have not signed in there since.
pub fn may_answer(snapshot: &Snapshot, client: &Client, session: &Session) -> bool {
    let connection = snapshot.connections.iter().find(|connection| connection.name == session.connection);
    let is_enabled = connection.is_none_or(|connection| connection.is_enabled_for(&client.client_id));
    is_enabled && (!client.stands_alone() || session.clients.contains(&client.client_id))
}

/// Whether a person must say on a page that they want to go to where the answer is sent, since nobody can tell whose app
/// listens there (RFC 8252 §8.6).
pub fn asks_for_confirmation(snapshot: &Snapshot, caller: &Caller) -> bool {
    let client = &caller.client.client;
    let skips = client.skips_confirmation().unwrap_or_else(|| snapshot.settings.skips_confirmation());
    client.app_type == AppType::Native && caller.target.is_unverifiable() && !skips
}
