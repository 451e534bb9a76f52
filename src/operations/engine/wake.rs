//! How the alarm clock of an operation (a Durable Object) has the stateless Worker go on with it: one POST to ourselves
//! that carries a ticket, and an answer that says when to ring again.

use crate::{
    config::Config,
    error::Fault,
    http::{Method, Request, Response, StatusCode},
    id::OperationId,
    json,
    platform::{Incoming, Outgoing, Platform},
    secret::{KeyRing, Sealed, Secret},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};

/// Where the alarm clock calls. It is no route: without a ticket it is as unknown as any other address.
const PATH: &str = "/internal/advance";

/// How long a ticket is good for: clocks differ a little from machine to machine. Within it a ticket may be used again,
/// which does no harm: an operation is advanced under a lease.
const VALID: Lifetime = Lifetime::minutes(1);

/// What the ticket says. It is sealed (AES-GCM under `ENCRYPTION_KEY`, bound to the path), so nobody else can write one.
#[derive(Serialize, Deserialize)]
struct Ticket {
    operation: OperationId,
    at: i64,
}

/// When to ring again, in milliseconds since 1970; nothing for an operation that needs no more.
#[derive(Serialize, Deserialize)]
struct Next {
    next: Option<i64>,
}

/// The request that has an operation advanced.
///
/// # Errors
/// A fault if the installation has no key to seal with.
pub fn call(config: &Config, platform: &dyn Platform, operation: &OperationId) -> Result<Outgoing, Fault> {
    let ticket = Ticket { operation: operation.clone(), at: platform.now().millis() };
    let text = serde_json::to_string(&ticket).map_err(|error| Fault::internal(format!("ticket: {error}")))?;
    let sealed = config.encryption_keys.seal(platform, PATH, &Secret::new(text))?;
    Ok(Outgoing {
        method: Method::POST,
        url: format!("{}://{}{PATH}", config.scheme(), config.base_domain),
        headers: Vec::new(),
        body: sealed.as_str().as_bytes().to_vec(),
    })
}

/// The operation that this request may have advanced: none for every request that is not such a call, or whose
/// ticket is forged, for something else, or old.
pub fn admit(keys: &KeyRing, request: &Request, now: Timestamp) -> Option<OperationId> {
    if request.method != Method::POST || request.path != PATH {
        return None;
    }
    let sealed = Sealed::stored(std::str::from_utf8(&request.body).ok()?);
    let ticket: Ticket = json::read(keys.open(PATH, &sealed)?.expose()).ok()?;
    let age = now.since(Timestamp::from_millis(ticket.at)).as_millis().saturating_abs();
    (age <= VALID.as_millis()).then_some(ticket.operation)
}

/// The answer to such a call.
pub fn answer(advanced: Result<Option<Timestamp>, Fault>) -> Response {
    match advanced {
        Ok(next) => {
            let next = Next { next: next.map(Timestamp::millis) };
            Response::json(StatusCode::OK, &serde_json::json!(next))
        }
        Err(_) => Response::empty(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Reads that answer.
///
/// # Errors
/// A fault if it is another one: the operation did not advance, or nobody knows whether it did.
pub fn next(answer: &Incoming) -> Result<Option<Timestamp>, Fault> {
    if answer.status != StatusCode::OK.as_u16() {
        return Err(Fault::unavailable(format!("advance answered {}", answer.status)));
    }
    let next: Next = json::read(&answer.body)
        .map_err(|error| Fault::internal(format!("advance answered something else: {error}")))?;
    Ok(next.next.map(Timestamp::from_millis))
}

/// How long to wait after so many failures in a row: 2 s, 4 s, … up to 5 minutes.
pub fn backoff(failures: u32) -> Lifetime {
    Lifetime::seconds((1 << failures.min(9)).min(300))
}
