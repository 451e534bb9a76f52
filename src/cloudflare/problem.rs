//! What went wrong with a call, as far as it matters to whoever made it.

use crate::json;
use crate::time::Lifetime;
use serde::Deserialize;
use serde_json::Value as Json;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What follows from it.
    pub kind: Kind,
    /// What was said, for the operator and for the log.
    pub detail: String,
}

/// What follows from a failure. All but [`Kind::Unknown`] mean that nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name is taken (7502).
    Exists,
    /// There is no such thing (7404, or status 404).
    NotFound,
    /// The account may have no more databases (7406).
    Limit,
    /// The token is wrong, or lacks a permission (10000, or status 401 or 403).
    Unauthorized,
    /// Too many calls were made (971, or status 429): come back after this long.
    Throttled(Lifetime),
    /// Not sent: our own budget of calls is used up, or it was too late. Come back after this long.
    NotSent(Lifetime),
    /// The call itself was not accepted.
    Refused,
    /// No whole answer came back, or one that blames the server: it may have been done, or may be done yet.
    Unknown,
}

/// The envelope of every answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    errors: Vec<ErrorItem>,
    #[serde(default)]
    result: Json,
}

#[derive(Debug, Deserialize)]
struct ErrorItem {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

/// How long to wait when nobody said, and the longest wait that is believed: a token that has overdrawn is refused for
/// five minutes.
const PAUSE: i64 = 5;
const LONGEST_PAUSE: i64 = 300;

/// Reads an answer: its result, or what its failure means.
///
/// # Errors
/// What went wrong.
pub(super) fn read(status: u16, retry_after: Option<&str>, body: &[u8]) -> Result<Json, Problem> {
    let envelope: Option<Envelope> = json::read(body).ok();
    let Envelope { success, errors, result } = envelope.unwrap_or_default();
    if success && (200..300).contains(&status) {
        return Ok(result);
    }
    let codes: Vec<i64> = errors.iter().map(|error| error.code).collect();
    let kind = match status {
        429 => throttled(retry_after),
        _ if codes.contains(&971) => throttled(retry_after),
        500.. => Kind::Unknown,
        // It was accepted, but what was answered cannot be read.
        200..300 if errors.is_empty() => Kind::Unknown,
        _ if codes.contains(&7502) => Kind::Exists,
        _ if codes.contains(&7406) => Kind::Limit,
        401 | 403 => Kind::Unauthorized,
        _ if codes.contains(&10000) => Kind::Unauthorized,
        404 => Kind::NotFound,
        _ if codes.contains(&7404) => Kind::NotFound,
        _ => Kind::Refused,
    };
    let said = errors.iter().map(|error| format!("{}: {}", error.code, error.message));
    let said = said.collect::<Vec<_>>().join("; ");
    Err(Problem { kind, detail: if said.is_empty() { format!("status {status}") } else { said } })
}

fn throttled(retry_after: Option<&str>) -> Kind {
    let seconds = retry_after.and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(PAUSE);
    Kind::Throttled(Lifetime::seconds(seconds.clamp(1, LONGEST_PAUSE)))
}

impl Problem {
    /// The same, with what was attempted.
    pub(super) fn during(self, what: &str) -> Self {
        Self { detail: format!("{what}: {}", self.detail), ..self }
    }

    /// An answer that is not what the API promises.
    pub(super) fn unreadable(what: &str) -> Self {
        Self { kind: Kind::Unknown, detail: format!("{what}: the answer cannot be read") }
    }
}
