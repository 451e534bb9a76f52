//! What a block is, where one ends, and whether what it sealed is still there. Pure.

use crate::{
    db::Row,
    error::Fault,
    secret::hex,
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

/// The most entries of one block.
pub const MOST_ENTRIES: i64 = 500;

/// The time between two blocks of a day, unless one is full before.
pub const INTERVAL: Lifetime = Lifetime::minutes(5);

/// The age at which an entry is sealed. It is dated by the moment at which its request came; one that is written after
/// later entries have been sealed would look as if it had been slipped in.
pub const SETTLED: Lifetime = Lifetime::minutes(2);

/// The columns that are hashed, in this order: all but the tenant, so that a tenant can be restored under another id.
pub const COLUMNS: &str = "id, type, date, user_id, client_id, ip, user_agent, description, details";

/// A sealed stretch of the log: every entry after `since`, up to `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Counts from 1.
    pub number: i64,
    /// The id of the last entry of the block before; empty in the first.
    pub since: String,
    /// The id of its last entry.
    pub until: String,
    /// The number of its entries.
    pub entries: i64,
    /// The hash of the block before; empty in the first.
    pub previous: String,
    /// SHA-256 of `previous` and of every entry, as hex.
    pub hash: String,
    /// The moment at which it was sealed.
    pub sealed_at: Timestamp,
}

/// A fault of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The block before is missing, or is not the one that it followed.
    BlockMissing,
    /// Entries were taken out.
    EntriesMissing,
    /// Entries were put in.
    EntriesAdded,
    /// An entry, or the block itself, is not what was sealed.
    EntryChanged,
}

impl Block {
    /// The block that seals these entries, the oldest that no block holds yet: as many as are of one day (UTC), so that what
    /// becomes too old leaves in whole blocks. None if it is not time for one yet.
    ///
    /// # Errors
    /// A fault if a row holds what the schema does not allow.
    pub fn of(before: Option<&Self>, rows: &[Row], now: Timestamp) -> Result<Option<Self>, Fault> {
        let Some(first) = rows.first() else { return Ok(None) };
        let today = first.time("date")?.day();
        let mut own = Vec::with_capacity(rows.len());
        for row in rows {
            if row.time("date")?.day() != today {
                break;
            }
            own.push(row);
        }
        let is_full = i64::try_from(own.len()).is_ok_and(|length| length >= MOST_ENTRIES);
        let is_whole = is_full || own.len() < rows.len() || today < now.minus(SETTLED).day();
        let is_due = before.is_none_or(|block| block.sealed_at.plus(INTERVAL) <= now);
        if !is_whole && !is_due {
            return Ok(None);
        }
        let (since, previous, number) = match before {
            Some(block) => (block.until.clone(), block.hash.clone(), block.number + 1),
            None => (String::new(), String::new(), 1),
        };
        Ok(Some(Self {
            number,
            until: own.last().map_or_else(|| Ok(since.clone()), |row| row.text("id"))?,
            since,
            entries: i64::try_from(own.len()).unwrap_or(i64::MAX),
            hash: hash(&previous, own)?,
            previous,
            sealed_at: now,
        }))
    }

    /// Compares the block with the one before, if that is still kept, and with the entries that are there now.
    ///
    /// # Errors
    /// A fault if a row holds what the schema does not allow.
    pub fn check(&self, before: Option<&Self>, rows: &[Row]) -> Result<Option<Finding>, Fault> {
        let follows = |before: &Self| {
            (before.number + 1, &before.until, &before.hash) == (self.number, &self.since, &self.previous)
        };
        if before.is_some_and(|before| !follows(before)) {
            return Ok(Some(Finding::BlockMissing));
        }
        let there = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Ok(match there.cmp(&self.entries) {
            std::cmp::Ordering::Less => Some(Finding::EntriesMissing),
            std::cmp::Ordering::Greater => Some(Finding::EntriesAdded),
            std::cmp::Ordering::Equal if hash(&self.previous, rows)? != self.hash => {
                Some(Finding::EntryChanged)
            }
            std::cmp::Ordering::Equal => None,
        })
    }
}

/// SHA-256 over the hash before and a line of JSON for each entry.
fn hash<'a>(previous: &str, rows: impl IntoIterator<Item = &'a Row>) -> Result<String, Fault> {
    let mut hash = Sha256::new();
    hash.update(previous);
    for row in rows {
        // Whole numbers, whichever way the database has answered them.
        let cell = |name: &str| match name {
            "date" => row.int(name).map(|date| json!(date)),
            _ => row.optional_text(name).map(|text| json!(text)),
        };
        let cells = COLUMNS.split(", ").map(cell).collect::<Result<Vec<_>, _>>()?;
        hash.update("\n");
        hash.update(Json::Array(cells).to_string());
    }
    Ok(hex(&hash.finalize()))
}
