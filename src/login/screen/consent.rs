//! May they? What a client of somebody else gets, before it gets it.

use crate::{
    access::{
        Area, Call, Login,
        login::{Need, Refusal},
    },
    error::{Error, Fault},
    http::{self, Response, StatusCode, html::escape, page::form_page, route::Routes},
    id::prefixed,
    login::visit::{Query, Visit},
    oauth::authorize::{
        self, Consent,
        checks::{Terms, asks_for_confirmation},
        consent::Wanted,
        respond::{self, Denied},
        transaction::{CONSENT, IDENTIFIER},
    },
    resources::{authentication_methods::model::Demand, grants, sessions::model::Session},
};
use serde::Deserialize;

/// The page and its form.
pub fn routes(r: &mut Routes) {
    r.get(CONSENT, Need::Open, show);
    r.post(CONSENT, Need::Open, submit);
}

/// Which button was pressed.
#[derive(Deserialize)]
struct Fields {
    decision: Option<String>,
}

async fn show(cx: &Login, http::Query(query): http::Query<Query>) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let visit = Visit::open(call, query).await?;
    let terms = visit.terms(call)?;
    match arrive(call, &visit, &terms).await? {
        Arrival::Astray(response) => Ok(response),
        // Who has just signed in for this app has seen whose it is.
        Arrival::Session(session, Consent::Given)
            if !(asks_for_confirmation(&visit.snapshot, &visit.caller)
                && visit.transaction.began_after(session.authenticated_at)) =>
        {
            issue(call, &visit, &terms, &session, false).await
        }
        Arrival::Session(_, consent) => Ok(render(call, &visit, &terms, consent)),
    }
}

async fn submit(
    cx: &Login,
    (http::Query(query), http::Form(fields)): (http::Query<Query>, http::Form<Fields>),
) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let visit = Visit::open(call, query).await?;
    let terms = visit.terms(call)?;
    let (session, consent) = match arrive(call, &visit, &terms).await? {
        Arrival::Astray(response) => return Ok(response),
        Arrival::Session(session, consent) => (session, consent),
    };
    match fields.decision.as_deref() {
        Some("accept") => issue(call, &visit, &terms, &session, consent == Consent::Missing).await,
        Some("decline") => {
            let denied = Denied::new("access_denied", "The user did not give consent");
            Ok(respond::denied(call, &visit.caller, &denied))
        }
        _ => Ok(render(call, &visit, &terms, consent)),
    }
}

/// Who comes to the page.
enum Arrival {
    /// The session that this login has led to.
    Session(Session, Consent),
    /// Anybody else, and where they belong.
    Astray(Response),
}

async fn arrive(call: &Call, visit: &Visit, terms: &Terms<'_>) -> Result<Arrival, Fault> {
    let organization = visit.transaction.organization.as_ref().map(|organization| organization.id.as_str());
    let present = authorize::present(call, &visit.snapshot, &visit.caller, terms, organization).await?;
    let mfa = &visit.snapshot.settings.mfa;
    let is_led_here = |session: &Session| {
        visit.transaction.session.as_ref() == Some(&session.id)
            && session.demand(mfa, terms.claims.needs_second_factor()) == Demand::Nothing
    };
    let session = present.session.filter(|session| session.is_live(call.now) && is_led_here(session));
    let Some(session) = session else { return Ok(Arrival::Astray(visit.go(call, IDENTIFIER)?)) };
    if organization.is_some() && !present.organization.is_some_and(|(_, is_member)| is_member) {
        let denied = Denied::new("access_denied", "The user is not part of the organization");
        return Ok(Arrival::Astray(respond::denied(call, &visit.caller, &denied)));
    }
    Ok(Arrival::Session(session, present.consent))
}

async fn issue(
    call: &Call,
    visit: &Visit,
    terms: &Terms<'_>,
    session: &Session,
    agrees: bool,
) -> Result<Response, Error<Refusal>> {
    let wanted = Wanted::of(terms);
    let agreed = agrees.then(|| {
        let scopes: Vec<&str> = wanted.scopes.iter().map(String::as_str).collect();
        let client = &visit.caller.client.client.client_id;
        let id = prefixed(call.platform(), "grant");
        grants::store::give(&session.user_id, client, &wanted.audience, &id, &scopes, call.now)
    });
    let (snapshot, caller) = (&visit.snapshot, &visit.caller);
    let organization = visit.transaction.organization.as_ref();
    match authorize::answered(call, snapshot, caller, terms, organization, session, agreed).await {
        Ok(response) => Ok(response),
        Err(Error::Refused(denied)) => Ok(respond::denied(call, caller, &denied)),
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

/// What the scopes of OpenID Connect mean to a person.
const MEANINGS: [(&str, &str); 6] = [
    ("openid", "Know who you are"),
    ("profile", "See your name, picture and other details of your profile"),
    ("email", "See your email address"),
    ("phone", "See your phone number"),
    ("address", "See your address"),
    ("offline_access", "Do all this while you are away"),
];

fn render(call: &Call, visit: &Visit, terms: &Terms<'_>, consent: Consent) -> Response {
    if consent == Consent::Given {
        return confirm(call, visit);
    }
    let described = |scope: &String| {
        let known = MEANINGS.iter().find(|(name, _)| name == scope).map(|(_, meaning)| *meaning);
        known.or_else(|| terms.api.description(scope)).unwrap_or(scope).to_owned()
    };
    let items: String = Wanted::of(terms)
        .scopes
        .iter()
        .map(|scope| format!("<li>{}</li>", escape(&described(scope))))
        .collect();
    let client = escape(&visit.caller.client.client.name);
    let why = if visit.caller.client.client.is_first_party {
        "wants to manage this server in your name"
    } else {
        "is a third-party application"
    };
    let main = format!(
        "<p class=\"text\"><strong>{client}</strong> ({place}) {why}. It wants to:</p><ul class=\"text\">{items}</ul>\
         <form method=\"post\"><button name=\"decision\" value=\"accept\" autofocus>Allow</button>\
         <button class=\"other\" name=\"decision\" value=\"decline\">Do not allow</button></form>",
        place = escape(visit.caller.target.place()),
    );
    let (brand, leads) = (visit.snapshot.brand(call.tenant.id()), visit.caller.target.leads());
    form_page(StatusCode::OK, brand, "Allow access?", &main, &leads)
}

/// Asks whether a person wants to go on to an app that nobody can tell from another one (RFC 8252 §8.6).
fn confirm(call: &Call, visit: &Visit) -> Response {
    let main = format!(
        "<p class=\"text\">You are about to sign in to <strong>{client}</strong>, an app on this device ({place}). Go on only \
         if you have just begun that there.</p>\
         <form method=\"post\"><button name=\"decision\" value=\"accept\" autofocus>Continue</button>\
         <button class=\"other\" name=\"decision\" value=\"decline\">Cancel</button></form>",
        client = escape(&visit.caller.client.client.name),
        place = escape(visit.caller.target.place()),
    );
    let (brand, leads) = (visit.snapshot.brand(call.tenant.id()), visit.caller.target.leads());
    form_page(StatusCode::OK, brand, "Continue to the app?", &main, &leads)
}
