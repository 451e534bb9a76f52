//! How the output of a handler becomes a response.

use super::{Json, Response, StatusCode};
use base64ct::{Base64, Encoding};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Something a handler can return.
pub trait Output {
    /// The response.
    fn render(self) -> Response;
}

impl Output for Response {
    fn render(self) -> Response {
        self
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Our own types serialize by construction: no maps with keys that are not text, no failing impls.
    let body = serde_json::to_vec(value).unwrap_or_default();
    Response::typed(status, "application/json; charset=utf-8", body)
}

impl<T: Serialize> Output for Json<T> {
    fn render(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// 201 with a JSON body.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> Output for Created<T> {
    fn render(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl Output for NoContent {
    fn render(self) -> Response {
        Response::empty(StatusCode::NO_CONTENT)
    }
}

/// 302 to a URL that the caller has vetted.
#[derive(Debug)]
pub struct Redirect(pub String);

impl Output for Redirect {
    fn render(self) -> Response {
        Response::empty(StatusCode::FOUND).with("location", self.0)
    }
}

/// A page. Never cached, loads nothing from anywhere else, and does no more than it says.
#[derive(Debug)]
pub struct Html {
    /// The status.
    pub status: StatusCode,
    /// The document.
    pub body: String,
    /// The one script in it, if it has one: no other runs.
    pub script: Option<&'static str>,
    /// Where its forms may lead, as a source list of Content Security Policy Level 3 §2.3.1, redirects included; none if
    /// it has no forms.
    pub forms: Option<String>,
    /// The one origin whose pages may frame it, if it is made for that.
    pub framed_by: Option<String>,
}

/// What every page may do: its own inline style, images from anywhere over TLS (logos).
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: https:; base-uri 'none'";

/// What no page needs. Keys and codes of second factors, which pages do need, are not among it.
const PERMISSIONS_POLICY: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

impl Output for Html {
    /// There is no `cross-origin-opener-policy`: it would cut a login in a pop-up off from the page that opened it and waits
    /// for its answer.
    fn render(self) -> Response {
        let mut policy = format!(
            "{CONTENT_SECURITY_POLICY}; form-action {}; frame-ancestors {}",
            self.forms.as_deref().unwrap_or("'none'"),
            self.framed_by.as_deref().unwrap_or("'none'"),
        );
        if let Some(script) = self.script {
            let hash = Base64::encode_string(&Sha256::digest(script.as_bytes()));
            policy.push_str(&format!("; script-src 'sha256-{hash}'"));
        }
        let response = Response::typed(self.status, "text/html; charset=utf-8", self.body.into_bytes())
            .with("content-security-policy", policy)
            .with("permissions-policy", PERMISSIONS_POLICY)
            .with("referrer-policy", "no-referrer");
        // Older than `frame-ancestors`, and knows no single origin.
        if self.framed_by.is_none() { response.with("x-frame-options", "DENY") } else { response }
    }
}

/// A JSON list of `cookies` beside another output.
#[derive(Debug)]
pub struct WithCookies<T>(pub Vec<String>, pub T);

impl<T: Output> Output for WithCookies<T> {
    fn render(self) -> Response {
        self.0.into_iter().fold(self.1.render(), |response, cookie| response.with("set-cookie", cookie))
    }
}
