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
        Response::empty(StatusCode::FOUND).with("location", self.0).with("cache-control", "no-store")
    }
}

/// A page. Never framed, never cached, loads nothing from anywhere else.
#[derive(Debug)]
pub struct Html {
    /// The status.
    pub status: StatusCode,
    /// The document.
    pub body: String,
    /// The one script in it, if it has one: no other runs.
    pub script: Option<&'static str>,
}

/// What a page may do: its own inline style, images from anywhere over TLS (logos), forms. No script, unless its text is named.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: https:; \
     base-uri 'none'; frame-ancestors 'none'";

impl Output for Html {
    fn render(self) -> Response {
        let policy = match self.script {
            Some(script) => {
                let hash = Base64::encode_string(&Sha256::digest(script.as_bytes()));
                format!("{CONTENT_SECURITY_POLICY}; script-src 'sha256-{hash}'")
            }
            None => CONTENT_SECURITY_POLICY.to_owned(),
        };
        Response::typed(self.status, "text/html; charset=utf-8", self.body.into_bytes())
            .with("content-security-policy", policy)
            .with("x-frame-options", "DENY")
            .with("x-content-type-options", "nosniff")
            .with("referrer-policy", "no-referrer")
            .with("cache-control", "no-store")
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
