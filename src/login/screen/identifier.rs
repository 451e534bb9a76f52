//! Who are you? Answers the same whether or not there is such an account.

use super::{Field, Form};
use crate::{
    access::{
        Area, Call, Login,
        login::{Need, Refusal},
    },
    error::Error,
    http::{self, Response, StatusCode, route::Routes},
    login::{
        flow,
        visit::{Query, Visit},
    },
    oauth::authorize::transaction::{IDENTIFIER, PASSWORD, SIGNUP},
};
use serde::Deserialize;

/// The page and its form.
pub fn routes(r: &mut Routes) {
    r.get(IDENTIFIER, Need::Open, show);
    r.post(IDENTIFIER, Need::Open, submit);
}

/// What is typed.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    username: String,
}

async fn show(cx: &Login, http::Query(query): http::Query<Query>) -> Result<Response, Error<Refusal>> {
    let visit = Visit::open(cx.call(), query).await?;
    let typed = visit.transaction.identifier.as_ref().or(visit.transaction.request.login_hint.as_ref());
    render(cx.call(), &visit, typed.map_or("", String::as_str), None)
}

async fn submit(
    cx: &Login,
    (http::Query(query), http::Form(fields)): (http::Query<Query>, http::Form<Fields>),
) -> Result<Response, Error<Refusal>> {
    let mut visit = Visit::open(cx.call(), query).await?;
    let Some(identifier) = flow::identifier(&fields.username) else {
        return render(
            cx.call(),
            &visit,
            &fields.username,
            Some("Please enter your email address or user name."),
        );
    };
    visit.transaction.identifier = Some(identifier);
    Ok(visit.go(cx.call(), PASSWORD)?)
}

fn render(call: &Call, visit: &Visit, typed: &str, error: Option<&str>) -> Result<Response, Error<Refusal>> {
    let terms = visit.terms(call)?;
    let field = Field::new("username", "Email address or user name", "text", "username");
    let form = Form {
        brand: visit.snapshot.brand(call.tenant.id()),
        leads: visit.caller.target.leads(),
        title: "Sign in",
        error: error.map(|error| (StatusCode::BAD_REQUEST, error)),
        fields: vec![Field { value: typed, ..field }],
        button: "Continue",
        below: visit.may_sign_up(&terms).then(|| ("No account yet?", visit.link(SIGNUP), "Sign up")),
    };
    Ok(form.render())
}
