//! How far a move is, for whoever looks: kept in the operation's row, written at the end of each sitting.

use crate::{
    db::{Row, schema::Table},
    error::Fault,
    json,
    operations::moves::{
        model::{Role, Side},
        protocol::Mind,
        rows::{Difference, Kind},
        wish::{Said, Terms},
    },
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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

/// A move as the API shows it, from the row of [`store::progress`](super::store::progress).
///
/// # Errors
/// A fault if it holds what the schema does not allow.
pub fn shown(terms: &Terms, has_arrived: bool, row: &Row) -> Result<Value, Fault> {
    let progress: Progress = row.json("progress")?;
    let switched_at = row.optional_time("switched_at")?;
    let total: i64 = progress.totals.values().sum();
    let left = (total - i64::try_from(progress.rows).unwrap_or(total)).max(0).unsigned_abs();
    // As many for each row as until now.
    let bytes_left = (progress.rows > 0).then(|| progress.bytes.saturating_mul(left) / progress.rows);
    let until = switched_at.map(|at| at.plus(Lifetime::milliseconds(terms.window_ms)));
    let rate = progress.began_at.zip(progress.copied_at.or(progress.seen_at)).map(|(from, to)| {
        let took = (to - from).max(1).unsigned_abs();
        progress.rows * 1_000 / took
    });
    let mut shown = json!({
        "to": { "placement": terms.placement, "region": terms.region },
        "switch": terms.switch,
        "rehearse": terms.rehearse,
        "phase": progress.phase,
        "arrived": has_arrived,
        "held": row.flag("held")?,
        "wanted": row.optional_text("wanted")?,
        "rows_total": total,
        "rows_done": progress.rows,
        "rows_left": left,
        "bytes_done": progress.bytes,
        "bytes_left": bytes_left,
        "rows_per_second": rate,
        "changes_brought": progress.applied,
        "lag": progress.lag,
        "pauses_ms": progress.pauses_ms,
        "compared": progress.compared,
        "differences": progress.differences,
        "switched_at": switched_at,
        "rollback_until": until,
        "seen_at": progress.seen_at.map(Timestamp::from_millis),
    });
    if let Some(members) = shown.as_object_mut() {
        let more = [("message", progress.trouble), ("receipt", progress.receipt)];
        let more = more.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?))));
        members.extend(more);
    }
    Ok(shown)
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
    pub(super) fn see(&mut self, mind: &Mind, said: Option<&Said>, tables: &[Table], now: Timestamp) {
        let Some(said) = said else { return };
        let record = |side| mind.view(side).and_then(|view| view.record.as_ref());
        let (Some(home), Some(away)) = (record(said.home), record(said.home.other())) else { return };
        let phase = match (away.role, said.home) {
            (Role::Clearing, _) => "clearing",
            (Role::Copying, _) => "copying",
            (Role::Leaving | Role::Over, _) => "parting",
            (Role::Following | Role::Leading, Side::Target) => "switched",
            (Role::Following, Side::Source) if away.check.is_some() => "comparing",
            (Role::Following | Role::Leading, Side::Source) => "following",
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
