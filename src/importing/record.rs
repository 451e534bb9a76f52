//! A record: what one row of a tenant is to be. And what is said when it can't be one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The columns of a record by their names.
pub type Values = Map<String, Json>;

/// A row to be, of one of the [`super::tables`].
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The name of its table.
    pub table: &'static str,
    /// Its columns; one that is absent is null.
    pub values: Values,
}

/// Why a row can't be brought over. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The table: of the source when it is mapped, of Gatehouse when it is stored.
    pub table: String,
    /// The key of the row, its parts separated by spaces.
    pub key: String,
    /// The column at fault; empty if it is the row as a whole.
    pub column: String,
    /// What is wrong, to follow the column's name.
    pub words: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, key, column, words } = self;
        if column.is_empty() {
            write!(f, "{table} [{key}]: {words}")
        } else {
            write!(f, "{table} [{key}] {column}: {words}")
        }
    }
}

/// What is lost or changed on purpose. Many rows share one note: it says no key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Note {
    /// The table of the source.
    pub table: String,
    /// The column; empty if it is the row as a whole.
    pub column: String,
    /// What becomes of it.
    pub words: String,
}

impl Note {
    /// A note about a column, or with an empty one about the row.
    pub fn new(table: &str, column: &str, words: impl Into<String>) -> Self {
        Self { table: table.to_owned(), column: column.to_owned(), words: words.into() }
    }
}
