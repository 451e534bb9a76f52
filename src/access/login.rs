//! The pages a person sees.

use super::{Area, Call, Refuse, fault_words};
use crate::{
    error::{Error, Fault},
    http::{Html, Malformed, Output, Response, StatusCode, html::escape},
};

/// What a page requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the page itself finds out who is there.
    Open,
}

/// A person in front of a page.
pub struct Login {
    call: Call,
}

/// A page that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The heading.
    pub title: String,
    /// The sentence under it.
    pub message: String,
}

impl Refusal {
    /// 400 with a sentence for the person.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "Something is wrong with this link".to_owned(),
            message: message.into(),
        }
    }

    /// Any status.
    pub fn with_status(status: StatusCode, title: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, title: title.into(), message: message.into() }
    }
}

impl From<Refusal> for Error<Refusal> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Refuse for Refusal {
    fn render(self) -> Response {
        let body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><body style=\"font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:15vh auto;padding:0 1rem\">\
             <h1 style=\"font-size:1.3rem\">{title}</h1><p>{message}</p></body></html>",
            title = escape(&self.title),
            message = escape(&self.message),
        );
        Html { status: self.status, body }.render()
    }

    fn fault(fault: &Fault, request_id: &str) -> Self {
        let (status, words) = fault_words(fault);
        Self::with_status(status, "Please try again", format!("{words} (request {request_id})"))
    }
}

impl Area for Login {
    const NAME: &'static str = "Login";
    type Need = Need;
    type Refusal = Refusal;

    async fn admit(call: Call, need: Need) -> Result<Self, Error<Refusal>> {
        match need {
            Need::Open => Ok(Self { call }),
        }
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn malformed(why: Malformed) -> Refusal {
        Refusal::bad_request(why.0)
    }
}
