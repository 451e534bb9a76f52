//! How far a move is, for whoever looks: kept in the operation's row, written at the end of each sitting.

use super::{
    goal::{MoveRow, Switch, Terms},
    model::{Role, Side},
    protocol::MoveState,
    rows::{Difference, Kind},
};
use crate::{
    config::Placement,
    db::{Row, schema::Table},
    error::Fault,
    json,
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most differences that are shown: enough to know what is wrong.
const SHOWN: usize = 100;

/// How far it is. Moments are milliseconds since 1970.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// `clearing`, `copying`, `comparing`, `following`, `switched`, `parting`.
    pub phase: String,
    /// Rows of the tenant when the move began, by table.
    pub totals: BTreeMap<String, i64>,
    /// Rows copied so far.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Captured changes brought so far.
    pub applied: u64,
    /// Captured changes that are still to be brought.
    pub lag: i64,
    /// Rows that were compared and equal, and a hash of them, by table.
    pub compared: BTreeMap<String, String>,
    /// How long nobody could write, in milliseconds, in each exchange.
    pub pauses_ms: Vec<i64>,
    /// Since when nobody can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fenced_at: Option<i64>,
    /// When the first row was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<i64>,
    /// When the copy was whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_at: Option<i64>,
    /// When this was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<i64>,
    /// Rows that are not the same on both sides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Differing>,
    /// When it is over: what was moved and compared, signed by the main tenant (JWS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Why it does not go on, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// A row that is not the same on both sides, with the name of its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// The table.
    pub table: String,
    /// The key of the row (JSON array, without the tenant).
    pub key: String,
    /// How it differs.
    pub kind: Kind,
}

impl Differing {
    /// A difference, with the name of its table.
    pub fn of(difference: &Difference, tables: &[Table]) -> Self {
        let table = tables.get(difference.table).map_or("?", |table| table.name);
        Self { table: table.to_owned(), key: difference.key.clone(), kind: difference.kind }
    }
}

/// A move, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MoveView {
    /// Where it goes.
    pub to: Destination,
    /// When the tenant changes its home.
    pub switch: Switch,
    /// Whether everything is done but that.
    pub rehearse: bool,
    /// See [`Progress::phase`].
    pub phase: String,
    /// Whether the tenant is at home where it was to go.
    pub arrived: bool,
    /// Whether an operator holds it.
    pub held: bool,
    /// What an operator has said last.
    pub wanted: Option<String>,
    /// Rows of the tenant when the move began.
    pub rows_total: i64,
    /// Rows copied so far.
    pub rows_done: u64,
    /// Rows to be copied.
    pub rows_left: u64,
    /// Bytes copied so far.
    pub bytes_done: u64,
    /// Bytes to be copied, if the rest is like what was copied.
    pub bytes_left: Option<u64>,
    /// How fast it has been so far.
    pub rows_per_second: Option<u64>,
    /// Captured changes brought so far.
    pub changes_brought: u64,
    /// Captured changes to be brought.
    pub lag: i64,
    /// How long nobody could write, in milliseconds, in each exchange.
    pub pauses_ms: Vec<i64>,
    /// Rows that were compared and equal, and a hash of them, by table.
    pub compared: BTreeMap<String, String>,
    /// Rows that are not the same on both sides.
    pub differences: Vec<Differing>,
    /// When it arrived.
    pub switched_at: Option<Timestamp>,
    /// Until when it can be rolled back.
    pub rollback_until: Option<Timestamp>,
    /// When this was written.
    pub seen_at: Option<Timestamp>,
    /// Why it does not go on, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it is over: what was moved and compared, signed by the main tenant (JWS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

/// Where a move goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Destination {
    /// Where the tenant's rows shall live.
    pub placement: Placement,
    /// Where in the world, if somebody said.
    pub region: Option<String>,
}

impl MoveView {
    /// Reads the row of [`progress`](crate::operations::engine::store::progress).
    ///
    /// # Errors
    /// A fault if it holds what the schema does not allow.
    pub fn read(terms: &Terms, arrived: bool, row: &Row) -> Result<Self, Fault> {
        let progress: Progress = row.json("progress")?;
        let switched_at = row.optional_time("switched_at")?;
        let total: i64 = progress.totals.values().sum();
        let left = (total - i64::try_from(progress.rows).unwrap_or(total)).max(0).unsigned_abs();
        let rate = progress.began_at.zip(progress.copied_at.or(progress.seen_at)).map(|(from, to)| {
            let took = (to - from).max(1).unsigned_abs();
            progress.rows * 1_000 / took
        });
        Ok(Self {
            to: Destination { placement: terms.placement, region: terms.region.clone() },
            switch: terms.switch,
            rehearse: terms.rehearse,
            phase: progress.phase,
            arrived,
            held: row.flag("held")?,
            wanted: row.optional_text("wanted")?,
            rows_total: total,
            rows_done: progress.rows,
            rows_left: left,
            bytes_done: progress.bytes,
            // As many for each row as until now.
            bytes_left: (progress.rows > 0).then(|| progress.bytes.saturating_mul(left) / progress.rows),
            rows_per_second: rate,
            changes_brought: progress.applied,
            lag: progress.lag,
            pauses_ms: progress.pauses_ms,
            compared: progress.compared,
            differences: progress.differences,
            switched_at,
            rollback_until: switched_at.map(|at| at.plus(Lifetime::milliseconds(terms.window_ms))),
            seen_at: progress.seen_at.map(Timestamp::from_millis),
            message: progress.trouble,
            receipt: progress.receipt,
        })
    }
}

impl Progress {
    /// As stored.
    pub(super) fn text(&self) -> Result<String, Fault> {
        json::write(self)
    }

    /// Everybody can write again.
    pub(super) fn opened(&mut self, now: Timestamp) {
        if let Some(since) = self.fenced_at.take() {
            self.pauses_ms.push(now.millis() - since);
        }
    }

    pub(super) fn differ(&mut self, differences: &[Difference], tables: &[Table]) {
        self.differences = differences.iter().take(SHOWN).map(|found| Differing::of(found, tables)).collect();
    }

    /// Takes over what a worker has seen.
    pub(super) fn see(&mut self, state: &MoveState, row: Option<&MoveRow>, tables: &[Table], now: Timestamp) {
        let Some(row) = row else { return };
        let record = |side| state.status(side).and_then(|view| view.record.as_ref());
        let (Some(home), Some(away)) = (record(row.home), record(row.home.other())) else { return };
        let phase = match (away.role, row.home) {
            (Role::Clearing, _) => "clearing",
            (Role::Copying, _) => "copying",
            (Role::Detaching | Role::Detached, _) => "parting",
            (Role::Following | Role::Primary, Side::Target) => "switched",
            (Role::Following, Side::Source) if away.check.is_some() => "comparing",
            (Role::Following | Role::Primary, Side::Source) => "following",
        };
        self.phase = phase.to_owned();
        self.lag = home.captured - away.watermark;
        // What was copied and compared is remembered where it went, also when that has become home.
        if let Some(copied) = record(Side::Target) {
            (self.rows, self.bytes) = (copied.tally.rows, copied.tally.bytes);
            let compared = copied.tally.checked.iter();
            let named = compared.filter_map(|(number, sum)| {
                Some((tables.get(*number)?.name.to_owned(), format!("{}:{}", sum.rows, sum.hash())))
            });
            self.compared = json::gather(named);
            if copied.copy.is_none() && self.copied_at.is_none() {
                self.copied_at = Some(now.millis());
            }
        }
        self.applied = home.tally.applied + away.tally.applied;
        if away.check.is_none() {
            self.differences.clear();
        }
        self.seen_at = Some(now.millis());
    }
}
