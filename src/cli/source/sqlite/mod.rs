//! A SQLite file, as an install on SQLite has it; also while it is in use, and with its write-ahead log.

mod store;

use super::{Problem, Row, Source, Table};
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use serde_json::{Map, Value as Json};
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// How such a file begins (SQLite: Database File Format §1.3).
pub const MAGIC: &[u8] = b"SQLite format 3\0";

/// A SQLite file that is open for reading, at one moment: what is written meanwhile is not seen.
pub struct SqliteFile {
    connection: Connection,
    tables: Vec<Table>,
}

impl SqliteFile {
    /// Opens it and checks every page.
    ///
    /// # Errors
    /// It is damaged, incomplete, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let connection = connect(path)?;
        store::begin(&connection).map_err(|error| unreadable(&error))?;
        let complaints = store::quick_check(&connection).map_err(|error| unreadable(&error))?;
        if complaints != ["ok"] {
            let first = complaints.first().map_or("", String::as_str);
            return Err(Problem::new(format!("the SQLite file is damaged or incomplete: {first}")));
        }
        let tables = store::tables(&connection).map_err(|error| unreadable(&error))?;
        Ok(Self { connection, tables })
    }
}

/// A file with a write-ahead log needs a folder that can be written to, for the log's index, even to be read. Without
/// such a log the file is all there is, and may as well be on a disk that nobody can write to.
fn connect(path: &Path) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags)
        .and_then(|connection| store::begin(&connection).and(store::end(&connection)).map(|()| connection));
    let error = match opened {
        Ok(connection) => return Ok(connection),
        Err(error) => error,
    };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = PathBuf::from(log);
    if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        let words = format!(
            "the write-ahead log {} cannot be read where it is: copy both files to a folder that can be written to",
            log.display()
        );
        return Err(Problem::new(words));
    }
    let absolute = path.canonicalize().map_err(|_| unreadable(&error))?;
    let uri = format!("file:{}?immutable=1", escaped(&absolute.to_string_lossy()));
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).map_err(|error| unreadable(&error))
}

/// A path inside a URI.
fn escaped(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

fn unreadable(error: &rusqlite::Error) -> Problem {
    Problem::new(format!("the SQLite file cannot be read: {error}"))
}

impl Source for SqliteFile {
    fn kind(&self) -> &'static str {
        "SQLite file"
    }

    fn tables(&self) -> &[Table] {
        &self.tables
    }

    fn read(&self, name: &str, visit: &mut dyn FnMut(Row) -> ControlFlow<()>) -> Result<(), Problem> {
        let Some(table) = self.table(name) else { return Ok(()) };
        let unreadable = |error: rusqlite::Error| unreadable(&error).in_table(name);
        let mut statement = store::rows(&self.connection, table).map_err(unreadable)?;
        let mut rows = statement.query([]).map_err(unreadable)?;
        let mut number = 0;
        while let Some(row) = rows.next().map_err(unreadable)? {
            number += 1;
            let mut values = Map::new();
            for (index, column) in table.columns.iter().enumerate() {
                let value = row.get_ref(index).map_err(unreadable)?;
                let value = json(value).map_err(|words| {
                    Problem::new(format!("column {column}: {words}")).in_table(name).in_row(number)
                })?;
                values.insert(column.clone(), value);
            }
            if visit(Row { number, at: None, values }).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn json(value: ValueRef<'_>) -> Result<Json, String> {
    Ok(match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => return Err(format!("not UTF-8 from its byte {} on", error.valid_up_to())),
        },
    })
}
