//! A new account.

use super::{Field, Form};
use crate::{
    access::{
        Area, Call, Login,
        login::{Need, Refusal},
    },
    error::Error,
    http::{self, Response, StatusCode, route::Routes},
    login::{
        flow::{self, Page},
        signup::{self, Next},
        visit::{Query, Visit},
    },
    oauth::authorize::transaction::{IDENTIFIER, SIGNUP},
    resources::users::policy::Policy,
    secret::Secret,
};
use serde::Deserialize;

/// The page and its form.
pub fn routes(r: &mut Routes) {
    r.get(SIGNUP, Need::Open, show);
    r.post(SIGNUP, Need::Open, submit);
}

/// What is typed.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    email: String,
    password: Option<Secret>,
}

async fn show(cx: &Login, http::Query(query): http::Query<Query>) -> Result<Response, Error<Refusal>> {
    let visit = Visit::open(cx.call(), query).await?;
    let hint = visit.transaction.request.login_hint.as_deref().and_then(flow::email);
    render(cx.call(), &visit, hint.as_deref().unwrap_or_default(), None)
}

async fn submit(
    cx: &Login,
    (http::Query(query), http::Form(fields)): (http::Query<Query>, http::Form<Fields>),
) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let visit = Visit::open(call, query).await?;
    let terms = visit.terms(call)?;
    if !visit.may_sign_up(&terms) {
        return Ok(visit.go(call, IDENTIFIER)?);
    }
    let Some(password) = &fields.password else {
        return render(
            call,
            &visit,
            &fields.email,
            Some((StatusCode::BAD_REQUEST, "Please choose a password.")),
        );
    };
    match signup::create(call, &visit, &terms, &fields.email, password).await? {
        Next::Leave(response) => Ok(response),
        Next::Again(sentence) => {
            render(call, &visit, &fields.email, Some((StatusCode::BAD_REQUEST, &sentence)))
        }
        Next::Later(sentence, limited) => {
            let error = Some((StatusCode::TOO_MANY_REQUESTS, sentence));
            let page = render(call, &visit, &fields.email, error)?;
            Ok(page.with("retry-after", limited.retry_after.to_string()))
        }
    }
}

fn render(
    call: &Call,
    visit: &Visit,
    email: &str,
    error: Option<(StatusCode, &str)>,
) -> Result<Response, Error<Refusal>> {
    let terms = visit.terms(call)?;
    if flow::page(Page::Signup, false, visit.may_sign_up(&terms)) != Page::Signup {
        return Ok(visit.go(call, IDENTIFIER)?);
    }
    let address = Field::new("email", "Email address", "email", "email");
    let password = Field::new("password", "Password", "password", "new-password");
    let hint = Policy::of(terms.connection).hint();
    let form = Form {
        brand: visit.snapshot.brand(call.tenant.id()),
        leads: visit.caller.target.leads(),
        title: "Create an account",
        error,
        fields: vec![Field { value: email, ..address }, Field { hint: Some(&hint), ..password }],
        button: "Sign up",
        below: Some(("Already have an account?", visit.link(IDENTIFIER), "Sign in")),
    };
    Ok(form.render())
}
