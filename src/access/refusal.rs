//! How the management API says no.

use super::{Call, Refuse, fault_words, refused};
use crate::{
    error::{Error, Fault, FaultKind},
    http::{Response, StatusCode},
    jose::Claims,
    tenant::TenantDb,
};
use serde_json::json;
use std::borrow::Cow;

/// An error of the management API, as Auth0 shapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
    detail: Option<serde_json::Value>,
}

impl Refusal {
    /// The words for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400: the query says something that cannot be.
    pub fn invalid_query(why: impl std::fmt::Display) -> Self {
        Self::bad_request("invalid_query_string", format!("Query validation error: {why}"))
    }

    /// 400: the body says something that cannot be. `why` names the member.
    pub fn invalid_body(why: impl std::fmt::Display) -> Self {
        Self::bad_request("invalid_body", format!("Payload validation error: {why}"))
    }

    /// 400: a record that is to be imported says something that cannot be.
    pub fn invalid_record(why: impl Into<String>) -> Self {
        Self::bad_request("invalid_record", why)
    }

    /// 401: who are you?
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::UNAUTHORIZED, "invalid_token", message)
    }

    /// 403: you may not.
    pub fn forbidden(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: there is no such thing here.
    pub fn not_found(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::NOT_FOUND, code, message)
    }

    /// 409: it clashes with what is there.
    pub fn conflict(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::CONFLICT, code, message)
    }

    /// Any status, for what `app` refuses before an area is reached.
    pub(crate) fn with_status(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, code: code.into(), message: message.into(), detail: None }
    }

    /// Adds the member `detail`: facts for programs, beside the words.
    pub fn with_detail(self, detail: serde_json::Value) -> Self {
        Self { detail: Some(detail), ..self }
    }

    /// Has it written down: who was refused what.
    pub(super) fn note(&self, call: &Call, db: &TenantDb, claims: Option<&Claims>) {
        refused::note(call, db, claims, self.status, (&self.code, &self.message));
    }
}

impl From<Refusal> for Error<Refusal> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Refuse for Refusal {
    fn render(self) -> Response {
        let error = self.status.canonical_reason().unwrap_or("Error");
        let mut body = json!({
            "statusCode": self.status.as_u16(), "error": error, "message": self.message, "errorCode": self.code,
        });
        if let (Some(detail), Some(members)) = (self.detail, body.as_object_mut()) {
            members.insert("detail".to_owned(), detail);
        }
        let response = Response::json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            response.with("www-authenticate", "Bearer")
        } else {
            response
        }
    }

    fn fault(fault: &Fault, request_id: &str) -> Self {
        let (status, words) = fault_words(fault);
        let code = match fault.kind {
            FaultKind::ReadOnly => "tenant_read_only",
            FaultKind::Unreadable => "unreadable",
            FaultKind::Limited(_) => "too_many_requests",
            // Auth0's word.
            FaultKind::OverQuota(_) => "too_many_entities",
            FaultKind::TooLarge(_) => "payload_too_large",
            _ if status == StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "internal_error",
        };
        Self::with_status(status, code, format!("{words} (request {request_id})"))
    }
}
