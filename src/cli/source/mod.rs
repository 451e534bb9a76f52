//! What is imported is read from here: the database of an install, in whatever form somebody has it.
//!
//! Every kind of source says the same: which tables there are, and the rows of one of them, one at a time and in the
//! same order each time. Values come as the AuthHero schema keeps them whatever the database was: booleans are 0 and
//! 1, JSON is text, moments are ISO-8601, so that a row has one form and one hash. Memory does not grow with the
//! source; of a row that is read no more than the row is kept.

pub mod dump;
mod problem;
mod sqlite;

pub use problem::{Position, Problem};

use dump::Dialect;
use serde_json::{Map, Value as Json};
use std::{fs::File, io::Read, ops::ControlFlow, path::Path};

/// A database to import.
pub trait Source {
    /// What kind it is, in a few words.
    fn kind(&self) -> &'static str;

    /// Its tables by name, with as much as is known after one look at all of it.
    fn tables(&self) -> &[Table];

    /// Reads the rows of a table, in the order of the source, until `visit` breaks off. A table that is not there has
    /// none.
    ///
    /// # Errors
    /// The first thing that cannot be read, with its place.
    fn read(&self, table: &str, visit: &mut dyn FnMut(Row) -> ControlFlow<()>) -> Result<(), Problem>;

    /// The table of this name.
    fn table(&self, name: &str) -> Option<&Table> {
        self.tables().iter().find(|table| table.name == name)
    }
}

/// A table of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name, without schema.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// How many rows it has.
    pub rows: u64,
}

/// A row of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which one of its table, from 1.
    pub number: u64,
    /// Where it begins; none in a source that is not text.
    pub at: Option<Position>,
    /// Its values by column.
    pub values: Map<String, Json>,
}

/// Opens a source and looks at all of it: what cannot be read to its end is refused here.
///
/// # Errors
/// What is wrong with it.
pub fn open(path: &Path, dialect: Option<Dialect>) -> Result<Box<dyn Source>, Problem> {
    let cannot = |error| Problem::new(format!("{} cannot be read: {error}", path.display()));
    let mut head = Vec::new();
    File::open(path).map_err(cannot)?.take(HEAD).read_to_end(&mut head).map_err(cannot)?;
    if dialect.is_none() && head.starts_with(sqlite::MAGIC) {
        return Ok(Box::new(sqlite::SqliteFile::open(path)?));
    }
    let dialect = match dialect {
        Some(dialect) => dialect,
        None => dump::recognise(&head)?,
    };
    Ok(Box::new(dump::Dump::open(path, dialect)?))
}

/// How much of a file is looked at to see what it is.
const HEAD: u64 = 64 * 1024;
