//! The seam between SQL and whatever runs it: D1 through a binding, D1 through the HTTP API, SQLite in tests.

use super::{Row, Value};
use crate::{
    error::{Fault, FaultKind},
    platform::LocalBox,
};
use std::{borrow::Cow, cell::Cell, rc::Rc};

/// SQL with its values, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct RawStatement {
    /// The text, with `?1`, `?2`, ….
    pub sql: Cow<'static, str>,
    /// The values, in order; at most 100 (D1 limit).
    pub params: Vec<Value>,
}

/// What one statement answered.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The rows it selected or returned.
    pub rows: Vec<Row>,
    /// Rows it inserted, updated or deleted.
    pub changes: u64,
    /// Rows the database looked at, as D1 bills them.
    pub rows_read: u64,
    /// Rows the database wrote, indexes included, as D1 bills them.
    pub rows_written: u64,
}

/// Runs a batch of statements as one transaction, in one round trip.
pub trait Driver {
    /// Runs them in order; on an error none has happened. One answer per statement.
    fn run(&self, batch: Vec<RawStatement>) -> LocalBox<'_, Result<Vec<Outcome>, Fault>>;
}

/// Reads the error text of SQLite as D1 passes it on, and says what it means. Both drivers use this.
pub fn fault(message: &str) -> Fault {
    let after = |marker: &str| {
        message.split_once(marker).map(|(_, rest)| rest.split(": SQLITE").next().unwrap_or(rest))
    };
    let kind = if let Some(constraint) = after("UNIQUE constraint failed: ") {
        FaultKind::Conflict(constraint.to_owned())
    } else if message.contains("gatehouse: fenced") {
        FaultKind::Fenced(None)
    } else if message.contains("gatehouse: overtaken") {
        FaultKind::Overtaken
    } else if message.contains("gatehouse: outrun") {
        FaultKind::Outrun
    } else if message.contains("gatehouse: quota") {
        FaultKind::OverQuota(String::new())
    } else if RETRYABLE.iter().any(|part| message.contains(part)) {
        FaultKind::Unavailable
    } else {
        FaultKind::Internal
    };
    Fault { kind, detail: message.to_owned() }
}

/// Errors of D1 that pass by themselves (Cloudflare: D1, debug, "retryable errors").
const RETRYABLE: [&str; 6] = [
    "Network connection lost",
    "storage caused object to be reset",
    "reset because its code was updated",
    "due to transient issue",
    "overloaded",
    "timed out",
];

/// What a request cost in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Round trips: one per batch, however many statements it held.
    pub round_trips: u64,
    /// Rows read.
    pub rows_read: u64,
    /// Rows written.
    pub rows_written: u64,
}

/// Counts the cost of one request; every handle of the request shares it.
#[derive(Debug, Clone, Default)]
pub struct Meter(Rc<Cell<Cost>>);

impl Meter {
    /// What has been spent so far.
    pub fn cost(&self) -> Cost {
        self.0.get()
    }

    pub(super) fn add(&self, outcomes: &[Outcome]) {
        let cost = self.0.get();
        self.0.set(Cost {
            round_trips: cost.round_trips + 1,
            rows_read: cost.rows_read + outcomes.iter().map(|outcome| outcome.rows_read).sum::<u64>(),
            rows_written: cost.rows_written
                + outcomes.iter().map(|outcome| outcome.rows_written).sum::<u64>(),
        });
    }
}
