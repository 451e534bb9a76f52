//! Rows on their way, and how two sets of them are compared. A row travels as the JSON array of its columns, which the
//! database writes and reads itself, so that nothing in between can change a value.

use crate::json;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key without the tenant, as a JSON array.
    pub key: String,
    /// All its columns without the tenant, as a JSON array in the order of the table.
    pub text: String,
}

/// Rows of one table that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The table, by its number.
    pub table: usize,
    /// The rows, in the order of their keys.
    pub rows: Vec<Row>,
    /// Whether the table ends with them.
    pub last: bool,
}

/// What has changed at home, as it is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The position of the log up to which these are all.
    pub upto: i64,
    /// The position of the whole log.
    pub captured: i64,
    /// By table and key: the row as it is now, or nothing if it is gone.
    pub rows: BTreeMap<(usize, String), Option<String>>,
}

/// A row that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// The table, by its number.
    pub table: usize,
    /// The key of the row (JSON array).
    pub key: String,
    /// Which side lacks it, or that both have it with other columns.
    pub kind: Kind,
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The follower lacks it.
    Missing,
    /// Home lacks it.
    Surplus,
    /// Its columns differ.
    Changed,
}

/// Compares two runs of rows, each in the order of its keys' text or not. Rows that `pending` names may differ: the
/// follower has still to be given them. Answers the differences, and the rows that were found equal.
pub fn compare<'a>(
    table: usize,
    home: &'a [Row],
    follower: &[Row],
    pending: &BTreeSet<String>,
) -> (Vec<Difference>, Vec<&'a Row>) {
    let theirs: BTreeMap<&str, &str> =
        json::gather(follower.iter().map(|row| (row.key.as_str(), row.text.as_str())));
    let ours: BTreeSet<&str> = home.iter().map(|row| row.key.as_str()).collect();
    let difference = |key: &str, kind| Difference { table, key: key.to_owned(), kind };
    let (mut differences, mut equal) = (Vec::new(), Vec::new());
    for row in home.iter().filter(|row| !pending.contains(&row.key)) {
        match theirs.get(row.key.as_str()) {
            Some(text) if *text == row.text => equal.push(row),
            Some(_) => differences.push(difference(&row.key, Kind::Changed)),
            None => differences.push(difference(&row.key, Kind::Missing)),
        }
    }
    let surplus = theirs
        .keys()
        .filter(|key| !ours.contains(*key) && !pending.contains(**key))
        .map(|key| difference(key, Kind::Surplus));
    differences.extend(surplus);
    (differences, equal)
}

/// How many rows there are, and a hash of them that does not depend on their order: the sum of the SHA-256 of each, mod
/// 2^256. Against accidents, not against somebody who can choose rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: u64,
    hash: [u8; 32],
}

impl Sum {
    /// Adds one row.
    pub fn add(&mut self, text: &str) {
        self.rows += 1;
        self.add_hash(Sha256::digest(text.as_bytes()).into());
    }

    /// Adds other rows.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.add_hash(other.hash);
    }

    fn add_hash(&mut self, hash: [u8; 32]) {
        let mut carry = 0;
        for (place, digit) in self.hash.iter_mut().zip(hash) {
            let sum = u16::from(*place) + u16::from(digit) + carry;
            *place = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
    }

    /// The hash, in hex.
    pub fn hash(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// As stored: `rows:hash`.
impl Serialize for Sum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}:{}", self.rows, self.hash()))
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a sum is rows:hash"))
    }
}

impl Sum {
    fn parse(text: &str) -> Option<Self> {
        let (rows, hex) = text.split_once(':')?;
        let mut sum = Self { rows: rows.parse().ok()?, hash: [0; 32] };
        for (index, byte) in sum.hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(sum)
    }
}

/// What a move has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Rows copied.
    pub rows: u64,
    /// Bytes of them, as they travel.
    pub bytes: u64,
    /// Captured rows that were brought to the follower.
    pub applied: u64,
    /// By number of the table: the rows that were compared and equal.
    pub checked: BTreeMap<usize, Sum>,
}

impl Tally {
    /// With these rows copied.
    pub(super) fn copied(&self, rows: &[Row]) -> Self {
        let bytes: usize = rows.iter().map(|row| row.text.len()).sum();
        let mut tally = self.clone();
        tally.rows += rows.len() as u64;
        tally.bytes += bytes as u64;
        tally
    }

    /// With these rows brought.
    pub(super) fn applied(&self, changes: &Changes) -> Self {
        Self { applied: self.applied + changes.rows.len() as u64, ..self.clone() }
    }

    /// With these rows of a table compared and equal.
    pub(super) fn checked(&self, table: usize, equal: &[&Row]) -> Self {
        let mut tally = self.clone();
        let sum = tally.checked.entry(table).or_default();
        equal.iter().for_each(|row| sum.add(&row.text));
        tally
    }
}
