//! Prove it: the password.

use super::{Field, Form};
use crate::{
    access::{
        Area, Call, Login,
        login::{Need, Refusal},
    },
    error::Error,
    http::{self, Response, StatusCode, route::Routes},
    login::{
        flow::{self, Page, Verdict},
        password::{self, Next},
        visit::{Query, Visit},
    },
    oauth::authorize::transaction::{IDENTIFIER, PASSWORD},
    secret::Secret,
};
use serde::Deserialize;

/// The page and its form.
pub fn routes(r: &mut Routes) {
    r.get(PASSWORD, Need::Open, show);
    r.post(PASSWORD, Need::Open, submit);
}

/// What is typed. The user name is in the page only for password managers; it is the state's that counts.
#[derive(Deserialize)]
struct Fields {
    password: Option<Secret>,
}

async fn show(cx: &Login, http::Query(query): http::Query<Query>) -> Result<Response, Error<Refusal>> {
    let visit = Visit::open(cx.call(), query).await?;
    render(cx.call(), &visit, None)
}

async fn submit(
    cx: &Login,
    (http::Query(query), http::Form(fields)): (http::Query<Query>, http::Form<Fields>),
) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let visit = Visit::open(call, query).await?;
    let (Some(identifier), Some(password)) = (&visit.transaction.identifier, &fields.password) else {
        return render(call, &visit, Some((StatusCode::BAD_REQUEST, "Please enter your password.")));
    };
    let terms = visit.terms(call)?;
    match password::check(call, &visit, &terms, identifier, password).await? {
        Next::Leave(response) => Ok(response),
        Next::Again(verdict) => Ok(verdict.told(render(call, &visit, Some(words(verdict)))?)),
    }
}

/// The same for an account that does not exist as for one that does.
fn words(verdict: Verdict) -> (StatusCode, &'static str) {
    match verdict {
        Verdict::Locked(_) => (
            StatusCode::TOO_MANY_REQUESTS,
            "There were too many attempts with this account. Please try again in an hour.",
        ),
        Verdict::Later(_) => {
            (StatusCode::TOO_MANY_REQUESTS, "There were too many attempts. Please try again later.")
        }
        Verdict::Blocked => {
            (StatusCode::FORBIDDEN, "This account has been blocked. Please ask your administrator.")
        }
        Verdict::OutOfReach => (
            StatusCode::FORBIDDEN,
            "Your account uses a second factor that isn't supported here. Contact your administrator.",
        ),
        _ => (StatusCode::BAD_REQUEST, "The user name or the password is wrong."),
    }
}

fn render(call: &Call, visit: &Visit, error: Option<(StatusCode, &str)>) -> Result<Response, Error<Refusal>> {
    let identifier = visit.transaction.identifier.as_deref();
    if flow::page(Page::Password, identifier.is_some(), false) != Page::Password {
        return Ok(visit.go(call, IDENTIFIER)?);
    }
    let username = Field::new("username", "Email address or user name", "text", "username");
    let form = Form {
        brand: visit.snapshot.brand(call.tenant.id()),
        leads: visit.caller.target.leads(),
        title: "Enter your password",
        error,
        fields: vec![
            Field { value: identifier.unwrap_or_default(), fixed: Some(visit.link(IDENTIFIER)), ..username },
            Field::new("password", "Password", "password", "current-password"),
        ],
        button: "Sign in",
        below: None,
    };
    Ok(form.render())
}
