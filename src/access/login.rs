//! The pages a person sees.

use super::{Area, Call, Refuse, fault_words, preview};
use crate::{
    error::{Error, Fault, FaultKind},
    http::{Malformed, Response, StatusCode, html::escape, page::page},
    tenant::Status,
};

/// What a page requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// That the tenant is open, or a pass. Nothing else: the page itself finds out who is there.
    Open,
    /// Nothing at all: where a pass is shown.
    Always,
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
        page(self.status, "", &self.title, &format!("<p class=\"text\">{}</p>", escape(&self.message)))
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
        if need == Need::Open && call.tenant.status() == Status::Staging && !preview::is_shown(&call).await? {
            let detail = format!("tenant {} is not open yet", call.tenant.id());
            return Err(Fault { kind: FaultKind::NotOpen, detail }.into());
        }
        Ok(Self { call })
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn malformed(why: Malformed) -> Refusal {
        Refusal::bad_request(why.0)
    }
}
