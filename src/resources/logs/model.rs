//! What an entry of the log looks like, and what it can be searched by.

use crate::{
    db::{Field, Kind},
    events::blocks::{Block, Finding},
    id::LogId,
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// An entry, as Auth0 shapes it.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its id; sorts by time.
    pub log_id: LogId,
    /// The same, under Auth0's older name.
    #[serde(rename = "_id")]
    pub id: LogId,
    /// When it happened.
    pub date: Timestamp,
    /// Auth0's event code.
    #[serde(rename = "type")]
    pub kind: String,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The client it came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// That client's name, while there is such a client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// With what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The user it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What else is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Json>,
}

/// A page of the blocks that seal the log (an extension of Auth0's API).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Blocks {
    /// The blocks, oldest first.
    pub blocks: Vec<Checked>,
    /// The number of the block with which the next answer begins (`from`), if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// The date of the oldest entry that is in no block yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
}

/// A block, compared with what is there now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checked {
    /// The block.
    #[serde(flatten)]
    pub block: Block,
    /// The fault that was found, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}

/// The fields of `q`.
pub const FIELDS: [Field; 6] = [
    Field::new("type", Kind::Exact),
    Field::new("user_id", Kind::Exact),
    Field::new("client_id", Kind::Exact),
    Field::new("ip", Kind::Exact),
    Field::new("description", Kind::Words).usual(),
    Field::new("date", Kind::Moment),
];

/// So many entries can be reached, and are counted, by page numbers (Auth0: 1,000): a log grows without end, and whoever
/// wants all of it reads it by checkpoint.
pub const REACHABLE: i64 = 10_000;

/// Entries younger than this are not read by checkpoint yet: one that was dated earlier may still be on its way into the
/// log, and a reader who has passed its place would never see it.
pub const SETTLED: Lifetime = Lifetime::seconds(30);
