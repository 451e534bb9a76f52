//! Signing out: OpenID Connect RP-Initiated Logout 1.0, and Auth0's older `/v2/logout`.
//!
//! Only the session of this browser is ended, never one that is merely named. The refresh tokens that came of it live on, as
//! Auth0's do (OpenID Connect Back-Channel Logout §2.7), unless the tenant's settings say otherwise.

use super::{
    authorize::respond,
    backchannel::{self, Ended},
    redirect::{RedirectTarget, leads},
};
use crate::{
    access::{
        Area, Call, Login, bearer,
        login::{Need, Refusal},
        session,
    },
    error::{Error, Fault},
    events::{Entry, Kind},
    http::{
        Pairs, Query, Response, StatusCode,
        html::escape,
        page::{form_page, page},
        route::Routes,
    },
    id::ClientId,
    jose::{Audience, Claims, Unverified, jwt::ID_TOKEN},
    resources::{
        clients::{backchannel::Initiator, model::ClientRecord},
        endings,
        sessions::{self, model::Session},
        snapshot::Snapshot,
    },
    secret::{Sealed, Secret},
};
use serde::Deserialize;
use std::rc::Rc;

/// The endpoints.
pub fn routes(r: &mut Routes) {
    r.get("/oidc/logout", Need::Open, oidc);
    r.post("/oidc/logout", Need::Open, oidc);
    r.get("/v2/logout", Need::Open, v2);
}

/// What a client asks.
#[derive(Deserialize)]
struct Asked {
    id_token_hint: Option<String>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
    /// Of our own page: the person has said yes.
    confirmed: Option<String>,
}

async fn oidc(cx: &Login, parameters: Pairs) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    if let Some(name) = parameters.repeated().first() {
        return Err(Refusal::bad_request(format!("The parameter {name} is given more than once.")).into());
    }
    let asked: Asked = parameters.present().decode().map_err(Login::malformed)?;
    let snapshot = call.snapshot().await?;
    let hint = match &asked.id_token_hint {
        Some(token) => Some(hint(call, &snapshot, token).await?),
        None => None,
    };
    let client = client(call, &snapshot, hint.as_ref(), asked.client_id.as_deref()).await?;
    let back = match &asked.post_logout_redirect_uri {
        Some(uri) => Some(back(client.as_deref(), uri, asked.state.as_deref())?),
        None => None,
    };
    let current = session::current(call).await?;
    match (hint, current) {
        // Another person's session in this browser the hint leaves alone.
        (Some(hint), Some(current)) if current.user_id.as_str() != hint.sub => {
            return Ok(leave(call, &snapshot, back));
        }
        // The hint of this very session proves that the application knows it. Without one, or with that of another session
        // (an old ID token in somebody's hands), any page could send the browser here: the person is asked (RP-Initiated
        // Logout §2, §4).
        (hint, Some(current))
            if !is_of(hint.as_ref(), &current) && !is_confirmed(call, &snapshot, &asked, &current) =>
        {
            return Ok(confirm(call, &snapshot, &asked, &current, back.as_deref())?);
        }
        (_, Some(current)) => end(call, &snapshot, &current, client.as_deref()).await?,
        // An ID token alone ends nothing: whoever holds it need not be the person.
        (_, None) => {}
    }
    Ok(session::forget(call, leave(call, &snapshot, back)))
}

/// What Auth0's clients ask.
#[derive(Deserialize)]
struct Older {
    client_id: Option<String>,
    #[serde(rename = "returnTo")]
    return_to: Option<String>,
}

/// Auth0: signs out without asking, and ends the session whether or not there is a way back. With a client its allowed
/// logout URLs count, without one those of the tenant; and without a `returnTo` the first of them. `federated` asks to sign
/// out of the server that a person came from too: there is none but this.
async fn v2(cx: &Login, Query(asked): Query<Older>) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let snapshot = call.snapshot().await?;
    let client = client(call, &snapshot, None, asked.client_id.as_deref()).await?;
    let registered = match &client {
        Some(record) => record.client.allowed_logout_urls.clone(),
        None => snapshot.settings.allowed_logout_urls(),
    };
    let back = match asked.return_to.as_deref().filter(|uri| !uri.is_empty()) {
        Some(uri) => Some(RedirectTarget::after_older_logout(uri, &registered).ok_or_else(|| {
            let whose = if client.is_some() { "application" } else { "tenant" };
            Refusal::bad_request(format!("The returnTo is not one of the {whose}'s allowed logout URLs."))
        })?),
        None => RedirectTarget::first(&registered),
    };
    let back = back.map(|target| target.as_str().to_owned());
    if let Some(current) = session::current(call).await? {
        end(call, &snapshot, &current, client.as_deref()).await?;
    }
    Ok(session::forget(call, leave(call, &snapshot, back)))
}

/// The claims of an ID token of this tenant. It may have expired: it says who signed in, not that they are here
/// (RP-Initiated Logout §4).
async fn hint(call: &Call, snapshot: &Snapshot, token: &str) -> Result<Claims, Error<Refusal>> {
    let unverified = Unverified::parse(token).filter(|token| token.kind() == Some(ID_TOKEN));
    let claims = match &unverified {
        Some(unverified) => bearer::claims(call, snapshot, unverified).await?,
        None => None,
    };
    let own = claims.filter(|claims| claims.iss == call.tenant.issuer().as_str());
    Ok(own.ok_or_else(|| Refusal::bad_request("The id_token_hint is not an ID token of ours."))?)
}

async fn client(
    call: &Call,
    snapshot: &Snapshot,
    hint: Option<&Claims>,
    named: Option<&str>,
) -> Result<Option<Rc<ClientRecord>>, Error<Refusal>> {
    let audience = hint.and_then(|claims| match &claims.aud {
        Audience::One(client) => Some(client.as_str()),
        Audience::Many(_) => None,
    });
    if let (Some(audience), Some(named)) = (audience, named)
        && audience != named
    {
        return Err(Refusal::bad_request("The client_id is not that of the id_token_hint.").into());
    }
    let Some(id) = audience.or(named).filter(|id| !id.is_empty()) else { return Ok(None) };
    let client = snapshot.client(&call.db, &ClientId::new(id)).await?;
    Ok(Some(client.ok_or_else(|| Refusal::bad_request("The application that sent you here is not known."))?))
}

/// Where the person may be sent: only to what the client registered, letter by letter.
fn back(client: Option<&ClientRecord>, uri: &str, state: Option<&str>) -> Result<String, Refusal> {
    let registered = client.map(|record| record.client.allowed_logout_urls.as_slice()).unwrap_or_default();
    let target = RedirectTarget::after_logout(uri, registered).ok_or_else(|| {
        Refusal::bad_request("The address to return to is not one of the application's allowed logout URLs.")
    })?;
    let state: Vec<(&str, &str)> = state.map(|state| ("state", state)).into_iter().collect();
    Ok(target.with(&state))
}

/// Whether a hint is of this session. One without `sid` is of any session of its person.
fn is_of(hint: Option<&Claims>, current: &Session) -> bool {
    hint.is_some_and(|hint| hint.sid.as_deref().is_none_or(|sid| sid == current.id.as_str()))
}

async fn end(
    call: &Call,
    snapshot: &Snapshot,
    session: &Session,
    client: Option<&ClientRecord>,
) -> Result<(), Fault> {
    let (user, client) = (&session.user_id, client.map_or("", |record| record.client.client_id.as_str()));
    let entry = Entry::new(Kind::SuccessLogout, "Signed out").user(user.as_str()).client(client);
    let known = std::iter::once(sessions::store::known_to(&session.id).into());
    let ends = endings::store::end(snapshot.settings.sign_out(), user, Some(&session.id), call.now);
    let outcomes = call.db.commit(known.chain(ends).chain([call.record(entry)])).await?;
    let ended = Ended::among(&outcomes, 1)?;
    backchannel::tell(call, &call.tenant, &call.db, ended, Initiator::RpLogout);
    Ok(())
}

fn leave(call: &Call, snapshot: &Snapshot, back: Option<String>) -> Response {
    if let Some(url) = back {
        return respond::see(call, &url);
    }
    let main = "<p class=\"text\">You have signed out. You can close this page.</p>";
    page(StatusCode::OK, snapshot.brand(call.tenant.id()), "Signed out", main)
}

/// What our page's yes is sealed for.
fn purpose(call: &Call) -> String {
    format!("logout {} {}", call.tenant.id(), call.tenant.issuer().as_str())
}

/// Whether the person has said yes on our page, in this session: nobody else can make that seal.
fn is_confirmed(call: &Call, snapshot: &Snapshot, asked: &Asked, session: &Session) -> bool {
    let sealed = asked.confirmed.as_deref().map(Sealed::stored);
    let said = sealed.and_then(|sealed| snapshot.passing.open(&purpose(call), &sealed));
    said.is_some_and(|said| said.expose() == session.id.as_str())
}

fn confirm(
    call: &Call,
    snapshot: &Snapshot,
    asked: &Asked,
    session: &Session,
    back: Option<&str>,
) -> Result<Response, Fault> {
    let yes = snapshot.passing.seal(call.platform(), &purpose(call), &Secret::new(session.id.as_str()))?;
    let kept = [
        ("confirmed", Some(yes.as_str())),
        ("id_token_hint", asked.id_token_hint.as_deref()),
        ("client_id", asked.client_id.as_deref()),
        ("post_logout_redirect_uri", asked.post_logout_redirect_uri.as_deref()),
        ("state", asked.state.as_deref()),
    ];
    let hidden = kept.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let fields: String = hidden
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value)))
        .collect();
    let main = format!(
        "<form method=\"post\" action=\"/oidc/logout\">{fields}<button type=\"submit\" autofocus>Sign out</button></form>"
    );
    let (brand, leads) = (snapshot.brand(call.tenant.id()), back.map(leads).unwrap_or_default());
    Ok(form_page(StatusCode::OK, brand, "Do you want to sign out?", &main, &leads))
}
