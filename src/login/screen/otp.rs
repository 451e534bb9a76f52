//! Prove it again: the code of an authenticator app.

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
        otp,
        password::Next,
        visit::{Query, Visit},
    },
    oauth::authorize::transaction::{CHALLENGE, IDENTIFIER},
};
use serde::Deserialize;

/// The page and its form.
pub fn routes(r: &mut Routes) {
    r.get(CHALLENGE, Need::Open, show);
    r.post(CHALLENGE, Need::Open, submit);
}

/// What is typed.
#[derive(Deserialize)]
struct Fields {
    code: Option<String>,
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
    let (Some(halfway), Some(code)) = (visit.transaction.halfway(call.now), &fields.code) else {
        return render(call, &visit, Some((StatusCode::BAD_REQUEST, "Please enter the code.")));
    };
    let terms = visit.terms(call)?;
    match otp::check(call, &visit, &terms, halfway, code).await? {
        Next::Leave(response) => Ok(response),
        Next::Again(verdict) => Ok(verdict.told(render(call, &visit, Some(words(verdict)))?)),
    }
}

fn words(verdict: Verdict) -> (StatusCode, &'static str) {
    match verdict {
        Verdict::Locked(_) => {
            (StatusCode::TOO_MANY_REQUESTS, "There were too many wrong codes. Please try again in an hour.")
        }
        Verdict::Blocked => {
            (StatusCode::FORBIDDEN, "This account has been blocked. Please ask your administrator.")
        }
        _ => (
            StatusCode::BAD_REQUEST,
            "This code is wrong, or has been used before. Please enter the next one.",
        ),
    }
}

fn render(call: &Call, visit: &Visit, error: Option<(StatusCode, &str)>) -> Result<Response, Error<Refusal>> {
    let is_halfway = visit.transaction.halfway(call.now).is_some();
    if flow::page(Page::SecondFactor, is_halfway, false) != Page::SecondFactor {
        return Ok(visit.go(call, IDENTIFIER)?);
    }
    let code = Field::new("code", "Code", "text", "one-time-code");
    let form = Form {
        brand: visit.snapshot.brand(call.tenant.id()),
        leads: visit.caller.target.leads(),
        title: "Verify that it is you",
        error,
        fields: vec![Field {
            hint: Some("The six digits that your authenticator app shows, or a recovery code."),
            ..code
        }],
        button: "Continue",
        below: Some(("Not you?", visit.link(IDENTIFIER), "Begin again")),
    };
    Ok(form.render())
}
