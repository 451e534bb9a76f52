//! What an import is.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a request for an import says of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The kind of server: `authhero`.
    pub source: String,
    /// The tenant's id there.
    pub tenant: String,
    /// Whose tokens it brings.
    pub issuer: Option<String>,
    /// Whether the tenant goes on serving.
    #[serde(default)]
    pub live: bool,
}

impl Wanted {
    /// Checks it. `main`: whether it is for the main tenant, which always serves.
    ///
    /// # Errors
    /// Words that name the member.
    pub fn check(&self, main: bool) -> Result<(), String> {
        for (name, text) in [("source", &self.source), ("tenant", &self.tenant)] {
            if !(1..=255).contains(&text.len()) {
                return Err(format!("{name} must be text of 1 to 255 bytes"));
            }
        }
        if self.issuer.as_ref().is_some_and(|issuer| issuer.len() > 2048) {
            return Err("issuer must have at most 2048 bytes".to_owned());
        }
        if main && !self.live {
            return Err("live must be true: the main tenant always serves".to_owned());
        }
        Ok(())
    }
}

/// An import, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Import {
    /// `imp_…`.
    pub id: String,
    /// The kind of server.
    pub source: String,
    /// The tenant's id there.
    pub tenant: String,
    /// Whose tokens it brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether the tenant goes on serving.
    pub live: bool,
    /// How far it is.
    pub status: Status,
    /// How many records of each table are stored.
    pub taken: BTreeMap<String, i64>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was finished or discarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

impl Import {
    /// Whether a request is for this import.
    pub fn is(&self, wanted: &Wanted) -> bool {
        self.source == wanted.source
            && self.tenant == wanted.tenant
            && self.issuer == wanted.issuer
            && self.live == wanted.live
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It takes records.
    Open,
    /// Its rows are being deleted.
    Discarding,
    /// Its rows are the tenant's.
    Finished,
    /// Its rows are deleted.
    Discarded,
}

impl Status {
    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Discarding => "discarding",
            Self::Finished => "finished",
            Self::Discarded => "discarded",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Discarding, Self::Finished, Self::Discarded]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// What a table holds, page by page, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TablePage {
    /// The table.
    pub table: String,
    /// How many rows the page has.
    pub count: u64,
    /// What they add up to: [`Sum`](super::fingerprint::Sum), in hex.
    pub hash: String,
    /// Where the next page begins; none after the last.
    pub after: Option<String>,
}

/// What became of records that were sent, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// The table.
    pub table: String,
    /// How many rows are as they were sent.
    pub same: u64,
    /// Keys of those that are not there.
    pub missing: Vec<String>,
    /// Those that are different.
    pub different: Vec<Different>,
}

/// A row that is not as it was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Different {
    /// Its key.
    pub key: String,
    /// The columns that differ.
    pub columns: Vec<String>,
}
