//! The words of a move: who takes part in it, and what is known of each.

use super::rows::Tally;
use serde::{Deserialize, Serialize};

/// One of the two databases of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where the tenant was when the move began.
    Source,
    /// Where it is moved to.
    Target,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

/// What is wanted of the move at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    /// Where the tenant shall be at home.
    pub home: Side,
    /// Whether the two shall part once it is there. From then on nothing else may be wanted.
    pub part: bool,
    /// Whether to do nothing for now, except to open again what an exchange has closed.
    pub hold: bool,
}

/// What the directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directory {
    /// The tenant's epoch.
    pub epoch: i64,
    /// Where it is at home.
    pub home: Side,
    /// What is wanted.
    pub goal: Goal,
}

/// The part of a database in the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its rows of the tenant, left from earlier, are being deleted before it can follow.
    Clearing,
    /// It is given a copy.
    Copying,
    /// It has the copy, and is given what was captured.
    Following,
    /// It is home, or has been promoted to be, and captures what changes.
    Primary,
    /// It is wanted no more, and its rows are being deleted.
    Detaching,
    /// It has parted.
    Detached,
}

impl Role {
    const ALL: [Self; 6] =
        [Self::Clearing, Self::Copying, Self::Following, Self::Primary, Self::Detaching, Self::Detached];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clearing => "clearing",
            Self::Copying => "copying",
            Self::Following => "following",
            Self::Primary => "leading",
            Self::Detaching => "leaving",
            Self::Detached => "over",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// A place between two rows, in the order of the tables and of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The table, by its number.
    pub table: usize,
    /// The key of the row before it (JSON array); none before the first row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What a database remembers of its part.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// Counts the effects on it.
    pub version: i64,
    /// Its part.
    pub role: Role,
    /// The epoch under which it began to lead, last.
    pub led_since: i64,
    /// The position of its log when it began to lead, last.
    pub led_from: i64,
    /// The position of its log: how many changes it has captured in its life.
    pub captured: i64,
    /// As a follower: up to which position of the other one's log it has been brought.
    pub watermark: i64,
    /// Where the copy goes on; none when it is whole.
    pub copy: Option<Cursor>,
    /// Where the comparison goes on; none when every row has been compared.
    pub check: Option<Cursor>,
    /// What was done so far.
    pub tally: Tally,
    /// The number of migrations for which it was given its part.
    pub schema: i64,
}

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaStatus {
    /// Handles of an older epoch may not write.
    pub fence: i64,
    /// Handles of an older epoch may not read either.
    pub closed: i64,
    /// Its part in this move, if it has one yet.
    pub record: Option<Replica>,
}
