//! What is wrong with a source, and exactly where.

use std::fmt;

/// Where in a file something is: counted from byte 0 and from line 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// Its line.
    pub line: u64,
}

impl Position {
    /// Where every file begins.
    pub const START: Self = Self { offset: 0, line: 1 };
}

/// Why a source cannot be imported, in words for whoever has to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong and, where there is one, the way out.
    pub words: String,
    /// Where in the file; none for a source that is not text.
    pub at: Option<Position>,
    /// In which table.
    pub table: Option<String>,
    /// In which of its rows, from 1 in the order of the source.
    pub row: Option<u64>,
}

impl Problem {
    /// A problem of the source as a whole.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), at: None, table: None, row: None }
    }

    /// At this place in the file.
    pub fn at(self, position: Position) -> Self {
        Self { at: Some(position), ..self }
    }

    /// In this table, unless it says already in which.
    pub fn in_table(self, table: &str) -> Self {
        Self { table: self.table.or_else(|| Some(table.to_owned())), ..self }
    }

    /// In this row, unless it says already in which.
    pub fn in_row(self, row: u64) -> Self {
        Self { row: self.row.or(Some(row)), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "table {table}")?;
            if let Some(row) = self.row {
                write!(f, ", row {row}")?;
            }
        }
        if let Some(Position { offset, line }) = self.at {
            let comma = if self.table.is_some() { ", " } else { "" };
            write!(f, "{comma}line {line}, byte {offset}")?;
        }
        if self.table.is_some() || self.at.is_some() {
            f.write_str(": ")?;
        }
        f.write_str(&self.words)
    }
}

impl std::error::Error for Problem {}
