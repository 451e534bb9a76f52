//! The vocabulary of HTTP: requests, responses, inputs, outputs, routes. Knows no tenant and no OAuth.

pub mod cookie;
pub mod cors;
pub mod fields;
pub mod html;
pub mod input;
pub mod openapi;
pub mod output;
pub mod page;
pub mod route;
pub mod shape;
pub mod transport;

pub use fields::Fields;
pub use http::{Method, StatusCode};
pub use input::{Form, Input, Json, Malformed, Members, Pairs, Params, Path, Query};
pub use output::{Created, Html, NoContent, Output, Redirect};

use http::HeaderMap;

/// A request, read whole. Bodies are small here; the platform refuses larger ones before they are read.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// `http` or `https`: as the platform received it, and from [`transport`] on as the operator has set it.
    pub scheme: String,
    /// The path, still percent-encoded, starting with `/`.
    pub path: String,
    /// The query without `?`; empty if there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The address of the client as the platform saw it (`cf-connecting-ip`).
    pub ip: String,
}

/// Bodies above this many bytes are refused with 413: nothing here takes more.
pub const MAX_BODY: usize = 1024 * 1024;

/// How much of a `User-Agent` header is kept, in characters: browsers send 100 to 200.
const MAX_AGENT: usize = 512;

/// The length that `content-length` announces; `None` if it is absent or no number (a chunked body).
pub fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Request {
    /// A header as text; `None` if absent or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the client says it is, as far as that is kept: 512 characters. Whoever sends it decides what stands in it.
    pub fn agent(&self) -> &str {
        let text = self.header("user-agent").unwrap_or_default();
        // A header is ASCII.
        text.get(..MAX_AGENT).unwrap_or(text)
    }

    /// Whether the body is larger than [`MAX_BODY`], or says that it is: then the platform has not read it.
    pub fn is_too_large(&self) -> bool {
        self.body.len().max(declared_length(&self.headers).unwrap_or_default()) > MAX_BODY
    }

    /// The first value of a query parameter, decoded.
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// A response, written whole.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

/// The one header that may occur more than once, since its values cannot be joined (RFC 9110 §5.3): once for each cookie.
const SET_COOKIE: &str = "set-cookie";

impl Response {
    /// A response without a body. No browser takes it for another type than it says, and nobody keeps it: what may be kept
    /// says so by a `cache-control` of its own.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
            .with("x-content-type-options", "nosniff")
            .with("cache-control", "no-store")
    }

    /// A JSON response.
    pub fn json(status: StatusCode, body: &serde_json::Value) -> Self {
        Self::typed(status, "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    /// A response with a content type.
    pub fn typed(status: StatusCode, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..Self::empty(status) }.with("content-type", content_type)
    }

    /// Sets a header, by its name in lower case, in place of one of the same name: whatever layers add, each name occurs
    /// once. Of `set-cookie` it replaces the same cookie (RFC 6265 §4.1.1).
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.headers.retain(|(key, old)| {
            *key != name || (name == SET_COOKIE && cookie_name(old) != cookie_name(&value))
        });
        self.headers.push((name, value));
        self
    }

    /// The same without its body, for `HEAD`.
    pub fn without_body(self) -> Self {
        Self { body: Vec::new(), ..self }
    }

    /// The headers: each name once, but for `set-cookie`.
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

fn cookie_name(set_cookie: &str) -> &str {
    set_cookie.split_once('=').map_or(set_cookie, |(name, _)| name)
}
