//! The two kinds of failure: a refusal is the caller's, a fault is ours.

use crate::{
    id::TenantId,
    time::{Lifetime, Timestamp},
};
use std::fmt;

/// Why a handler did not produce its output.
#[derive(Debug)]
pub enum Error<R> {
    /// The caller may not, or asked for something that cannot be. Rendered in the dialect of the area.
    Refused(R),
    /// We failed. Logged once with the request id and shown to the client as an opaque error.
    Fault(Fault),
}

impl<R> From<Fault> for Error<R> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A failure of ours or of something we depend on. Its detail goes to the log, never to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure, which decides the status and whether a retry can help.
    pub kind: FaultKind,
    /// For the log: what was attempted and what came back. Never holds a secret.
    pub detail: String,
}

/// What a fault means for whoever waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// A defect, or data that cannot be read. 500.
    Internal,
    /// A stored row holds what cannot be read. 500, with words that say how to mend it: it can be deleted, and a change of it
    /// replaces what cannot be read. In a list and in what is remembered of a tenant it is left out.
    Unreadable,
    /// What a change began from has been changed by somebody else since it was read. Whoever wanted it looks again; 503 if
    /// that goes on and on.
    Outrun,
    /// The tenant has as much of something as it may have, in words for whoever asked for more. 403.
    OverQuota(String),
    /// A text is longer than one may be that is stored, in words for whoever sent it. 413.
    TooLarge(String),
    /// A unique constraint refused the batch; `on_conflict` turns the expected ones into refusals. 500 if nobody did.
    /// Holds what SQLite names, e.g. `clients.tenant_id, clients.client_id`.
    Conflict(String),
    /// The tenant is read-only for now. 503 with `Retry-After`.
    ReadOnly,
    /// The tenant is not open yet, and whoever asks has no pass. 503 with `Retry-After`.
    NotOpen,
    /// The tenant's rows live elsewhere by now, or will in a moment: this instance has an old route. Resolved again and
    /// retried by `app`, once the tenant has left that epoch.
    Fenced(Option<Stale>),
    /// Somebody else has gone on with a move meanwhile, so this effect on a database was refused. Whoever wanted it looks
    /// again.
    Overtaken,
    /// The installation has not been migrated or seeded yet; `app` does that and tries again.
    Unprepared,
    /// There were too many of these: 429 with `Retry-After` (RFC 6585 §4). Meant, and so not logged: a flood must not
    /// flood the log as well.
    Limited(Limited),
    /// A dependency (D1, the Cloudflare API) stalled or refused; trying again can help. 503 with `Retry-After`.
    Unavailable,
}

/// The route that turned out to be old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Whose.
    pub tenant: TenantId,
    /// From which epoch.
    pub epoch: i64,
}

/// A refusal for a while: the limit that was reached, and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// How many requests there may be in a period.
    pub limit: u32,
    /// In how many seconds to come back; at least one.
    pub retry_after: i64,
    /// The same as a moment, in seconds since 1970.
    pub reset: i64,
}

impl Limited {
    /// A refusal of everything above `limit` until a moment.
    pub fn until(limit: u32, until: Timestamp, now: Timestamp) -> Self {
        let retry_after = (until.since(now).as_millis() + 999).div_euclid(1000).max(1);
        Self { limit, retry_after, reset: now.plus(Lifetime::seconds(retry_after)).seconds() }
    }

    /// As a fault, which every dialect knows how to tell.
    pub fn fault(self) -> Fault {
        Fault { kind: FaultKind::Limited(self), detail: format!("over {} in a period", self.limit) }
    }
}

impl Fault {
    /// A defect: something that the code believed impossible, or stored data that cannot be read.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self { kind: FaultKind::Internal, detail: detail.into() }
    }

    /// Stored data that cannot be read. `what` names it, and never what it holds.
    pub fn unreadable(what: impl Into<String>) -> Self {
        Self { kind: FaultKind::Unreadable, detail: what.into() }
    }

    /// A dependency that may work again in a moment.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self { kind: FaultKind::Unavailable, detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.detail)
    }
}

impl std::error::Error for Fault {}

/// Turns the violation of a named unique constraint into a refusal; every other fault stays one.
pub trait OnConflict<T> {
    /// `constraint` is a part of the constraint as SQLite names it, e.g. `organizations.name`.
    ///
    /// # Errors
    /// The refusal if that constraint was violated, else the fault unchanged.
    fn on_conflict<R>(self, constraint: &str, refuse: impl FnOnce() -> R) -> Result<T, Error<R>>;
}

impl<T> OnConflict<T> for Result<T, Fault> {
    fn on_conflict<R>(self, constraint: &str, refuse: impl FnOnce() -> R) -> Result<T, Error<R>> {
        self.map_err(|fault| match &fault.kind {
            FaultKind::Conflict(violated) if violated.contains(constraint) => Error::Refused(refuse()),
            _ => Error::Fault(fault),
        })
    }
}
