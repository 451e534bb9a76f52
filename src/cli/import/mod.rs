//! An import, from a source and a plan to tenants that serve.
//!
//! ```text
//! source ─▶ first pass ─▶ second pass ──────────▶ tenants ─▶ third pass ─▶ compare ─▶ finish
//!           survey        every record mapped      created    sent in       counts      open
//!           who goes      and checked by the       or found   chunks, from  and
//!           where         server's own rules                  checkpoints   hashes
//!           └────────── nothing is sent yet ──────┘
//! ```
//!
//! Each pass reads the source anew in the same order, so that memory does not grow with it, and an import that was
//! killed goes on where its checkpoints are.

mod chunks;
mod compare;
mod existing;
mod first_pass;
mod report;
mod second_pass;
mod sender;
mod target;

pub use compare::{Compared, compare, compare_records};
pub use existing::Existing;
pub use first_pass::{FirstPass, first_pass};
pub use report::{Report, report};
pub use second_pass::{SecondPass, Tally, second_pass};
pub use sender::{Begun, Sender, begin, send};
pub use target::{Target, authority, targets};

use super::{
    exit::Failure,
    screen::Screen,
    source::{Position, Row, Source},
};
use crate::importing::record::Problem;
use serde_json::{Value as Json, json};
use std::{fmt, ops::ControlFlow};

/// A problem of a row, and where the row is.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What is wrong with it.
    pub problem: Problem,
    /// Which row of its table, from 1; 0 for the table as a whole.
    pub row: u64,
    /// Where in the file.
    pub at: Option<Position>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { table, key, column, words } = &self.problem;
        write!(f, "table {table}")?;
        if self.row > 0 {
            write!(f, ", row {}", self.row)?;
        }
        if let Some(Position { line, offset }) = self.at {
            write!(f, ", line {line}, byte {offset}")?;
        }
        if !key.is_empty() {
            write!(f, " [{key}]")?;
        }
        let column = if column.is_empty() { String::new() } else { format!("column {column} ") };
        write!(f, ": {column}{words}")
    }
}

/// Problems: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// How many.
    pub count: u64,
    /// The first [`Findings::SHOWN`].
    pub first: Vec<Finding>,
}

impl Findings {
    /// How many are kept to be shown.
    pub const SHOWN: usize = 50;

    /// One more.
    pub fn add(&mut self, problem: Problem, row: Option<&Row>) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            let (at, row) = (row.and_then(|row| row.at), row.map_or(0, |row| row.number));
            self.first.push(Finding { problem, row, at });
        }
    }

    /// All of both.
    pub fn extend(&mut self, other: &Self) {
        self.count += other.count;
        let room = Self::SHOWN.saturating_sub(self.first.len());
        self.first.extend(other.first.iter().take(room).cloned());
    }

    /// For people, one a line.
    pub fn text(&self) -> String {
        let mut lines: Vec<_> = self.first.iter().map(ToString::to_string).collect();
        let shown = u64::try_from(self.first.len()).unwrap_or(u64::MAX);
        if self.count > shown {
            lines.push(format!("… and {} more", self.count - shown));
        }
        lines.join("\n")
    }

    /// For programs.
    pub fn document(&self) -> Json {
        let finding = |finding: &Finding| {
            let Finding { problem, row, at } = finding;
            json!({
                "table": problem.table, "row": row, "key": problem.key, "column": problem.column,
                "message": problem.words, "line": at.map(|at| at.line), "offset": at.map(|at| at.offset),
            })
        };
        json!({"count": self.count, "first": self.first.iter().map(finding).collect::<Vec<_>>()})
    }
}

/// How far a pass through a source is.
struct Progress<'p, 's> {
    screen: &'p mut Screen<'s>,
    what: &'static str,
    done: u64,
    total: u64,
}

/// Rows between two looks at the screen.
const SELDOM: u64 = 256;

impl<'p, 's> Progress<'p, 's> {
    fn new(screen: &'p mut Screen<'s>, what: &'static str, source: &dyn Source) -> Self {
        let total = source.tables().iter().map(|table| table.rows).sum();
        Self { screen, what, done: 0, total }
    }

    /// Reads a table, and stops at the first failure.
    fn read(
        &mut self,
        source: &dyn Source,
        table: &str,
        visit: &mut dyn FnMut(&Row) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut failed = None;
        source.read(table, &mut |row| {
            self.done += 1;
            if self.done.is_multiple_of(SELDOM) {
                self.screen.progress(self.what, self.done, self.total, &format!("rows, {table}"));
            }
            match visit(&row) {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    failed = Some(failure);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn end(self) {
        self.screen.finished();
    }
}

/// The tenant that a row belongs to; none for what belongs to everybody.
fn tenant_of<'r>(table: &str, row: &'r Row) -> Option<&'r str> {
    let column = if table == "tenants" { "id" } else { "tenant_id" };
    row.values.get(column).and_then(Json::as_str)
}
