//! HTTP as JavaScript has it, to and from HTTP as we have it. Headers cross the border as one JSON text, bodies as
//! one array of bytes: each crossing costs more than what is carried.

use crate::{
    error::Fault,
    http::{MAX_BODY, Method, Request, Response, declared_length},
    json,
    platform::{Incoming, Outgoing},
};
use ::http::{HeaderMap, HeaderName, HeaderValue};
use js_sys::{Array, Error, JSON, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{
    Url,
    web_sys::{
        self, AbortSignal, Headers, ReadableStreamDefaultReader, RequestInit, RequestRedirect, ResponseInit,
    },
};

/// How long we wait for somebody else's answer, in milliseconds; the Cloudflare API itself gives up after as long.
const PATIENCE: u32 = 30_000;

/// What a thrown JavaScript value says.
pub fn words(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<Error>() {
        Some(error) => error.message().into(),
        None => thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")),
    }
}

/// A fault of the platform: what was attempted, and what was thrown.
pub fn thrown(attempt: &str) -> impl Fn(JsValue) -> Fault {
    move |error| Fault::unavailable(format!("{attempt}: {}", words(&error)))
}

/// Reads a request whole. Of a body that is too large no more is read than it takes to know.
///
/// # Errors
/// A fault if the client went away meanwhile.
pub async fn request(raw: web_sys::Request) -> Result<Request, Fault> {
    let malformed = || Fault::internal("a request that is not HTTP");
    let url = Url::parse(&raw.url()).map_err(|_| malformed())?;
    let headers: HeaderMap = pairs(&raw.headers())?
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.into_bytes()).ok()?))
        })
        .collect();
    let body = match raw.body() {
        Some(_) if declared_length(&headers).is_some_and(|length| length > MAX_BODY) => Vec::new(),
        Some(_) if declared_length(&headers).is_some() => {
            let buffer = raw.array_buffer().map_err(thrown("body"))?;
            Uint8Array::new(&JsFuture::from(buffer).await.map_err(thrown("body"))?).to_vec()
        }
        Some(stream) => capped(stream.get_reader().unchecked_into()).await?,
        None => Vec::new(),
    };
    let ip = headers.get("cf-connecting-ip").and_then(|ip| ip.to_str().ok()).unwrap_or_default().to_owned();
    Ok(Request {
        method: Method::from_bytes(raw.method().as_bytes()).map_err(|_| malformed())?,
        scheme: url.scheme().to_owned(),
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
        headers,
        body,
        ip,
    })
}

/// Reads a body of unknown length, and stops once it is too large.
async fn capped(reader: ReadableStreamDefaultReader) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while body.len() <= MAX_BODY {
        let chunk = JsFuture::from(reader.read()).await.map_err(thrown("body"))?;
        let field =
            |name: &str| js_sys::Reflect::get(&chunk, &JsValue::from_str(name)).map_err(thrown("body"));
        if field("done")?.is_truthy() {
            break;
        }
        body.extend(Uint8Array::new(&field("value")?).to_vec());
    }
    Ok(body)
}

/// A response for JavaScript.
///
/// # Errors
/// A fault if a header cannot be sent.
pub fn response(response: Response) -> Result<web_sys::Response, Fault> {
    let init = ResponseInit::new();
    init.set_status(response.status.as_u16());
    init.set_headers(&headers(response.headers())?);
    // A status without content refuses even an empty body (RFC 9110 §15.3.5).
    let body = (!response.body.is_empty()).then(|| Uint8Array::from(response.body.as_slice()));
    web_sys::Response::new_with_opt_js_u8_array_and_init(body.as_ref(), &init).map_err(thrown("response"))
}

/// A request of ours for JavaScript. Redirects are not followed: nobody we call has a reason to send us elsewhere.
///
/// # Errors
/// A fault if the URL or a header is not valid.
pub fn outgoing(request: &Outgoing) -> Result<web_sys::Request, Fault> {
    let init = RequestInit::new();
    init.set_method(request.method.as_str());
    init.set_headers(&headers(&request.headers)?);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE)));
    if !request.body.is_empty() {
        init.set_body(&Uint8Array::from(request.body.as_slice()));
    }
    web_sys::Request::new_with_str_and_init(&request.url, &init).map_err(thrown("request"))
}

/// Reads an answer whole.
///
/// # Errors
/// A fault if it broke off.
pub async fn incoming(raw: web_sys::Response) -> Result<Incoming, Fault> {
    let buffer = raw.array_buffer().map_err(thrown("answer"))?;
    let body = JsFuture::from(buffer).await.map_err(thrown("answer"))?;
    Ok(Incoming {
        status: raw.status(),
        headers: pairs(&raw.headers())?,
        body: Uint8Array::new(&body).to_vec(),
    })
}

fn pairs(headers: &Headers) -> Result<Vec<(String, String)>, Fault> {
    let text = JSON::stringify(&Array::from(headers)).map_err(thrown("headers"))?;
    json::read(String::from(text)).map_err(|error| Fault::internal(format!("headers: {error}")))
}

fn headers<N: serde::Serialize>(pairs: &[(N, String)]) -> Result<JsValue, Fault> {
    let text = serde_json::to_string(pairs).map_err(|error| Fault::internal(format!("headers: {error}")))?;
    JSON::parse(&text).map_err(thrown("headers"))
}
