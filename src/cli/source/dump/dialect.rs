//! Whose dump it is: what the writers of dumps do differently.

use crate::cli::source::Problem;
use clap::ValueEnum;

/// The SQL of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `sqlite3 .dump` and `wrangler d1 export`.
    Sqlite,
    /// `mysqldump`, `mariadb-dump`.
    Mysql,
    /// `pg_dump` in plain form, with `COPY` or with `--inserts`.
    Postgres,
}

impl Dialect {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite or D1 dump",
            Self::Mysql => "MySQL dump",
            Self::Postgres => "PostgreSQL dump",
        }
    }

    /// `#` begins a comment, and `--` only before a blank (MySQL manual: Comments).
    pub const fn hash_comments(self) -> bool {
        matches!(self, Self::Mysql)
    }

    /// `/*!40101 … */` is executed (MySQL manual: Comments).
    pub const fn conditional_comments(self) -> bool {
        matches!(self, Self::Mysql)
    }

    /// Comments contain comments (PostgreSQL manual §4.1.5).
    pub const fn nested_comments(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// `$tag$ … $tag$` is text (PostgreSQL manual §4.1.2.4).
    pub const fn dollar_quotes(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// `'\n'` is a newline (MySQL manual: String Literals). In the standard, and here else, only where it is said.
    pub const fn backslash_escapes(self) -> bool {
        matches!(self, Self::Mysql)
    }

    /// Words that, unquoted, begin a constraint and not a column in `create table`.
    pub const fn constraints(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["constraint", "primary", "unique", "check", "foreign"],
            Self::Postgres => &["constraint", "primary", "unique", "check", "foreign", "exclude", "like"],
            Self::Mysql => &[
                "constraint",
                "primary",
                "unique",
                "check",
                "foreign",
                "key",
                "index",
                "fulltext",
                "spatial",
                "period",
            ],
        }
    }
}

/// How the last line begins of a dump whose first lines are signed: who signs at the top signs at the bottom.
pub fn promised_ending(head: &[u8]) -> Option<&'static str> {
    let head = String::from_utf8_lossy(head);
    head.lines().take(10).find_map(|line| {
        if line.starts_with("-- MySQL dump") || line.starts_with("-- MariaDB dump") {
            Some("-- Dump completed")
        } else if line.starts_with("-- PostgreSQL database dump") {
            Some("-- PostgreSQL database dump complete")
        } else {
            None
        }
    })
}

/// Which dialect the first bytes of a file are in.
///
/// # Errors
/// It is in an encoding that is not UTF-8, or it is not a dump at all.
pub fn recognise(head: &[u8]) -> Result<Dialect, Problem> {
    if head.starts_with(&[0xff, 0xfe])
        || head.starts_with(&[0xfe, 0xff])
        || head.iter().take(4).any(|byte| *byte == 0)
    {
        return Err(Problem::new(
            "the file is in UTF-16 or is binary, not a dump in UTF-8. Convert it (iconv -f UTF-16 -t UTF-8), and write \
             it with --result-file, not with > in PowerShell",
        ));
    }
    if head.starts_with(b"PGDMP") {
        return Err(Problem::new(
            "this is a pg_dump archive: make plain SQL of it with pg_restore -f dump.sql, or dump with --format=plain",
        ));
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Err(Problem::new("the file is compressed: unpack it with gunzip first"));
    }
    if head.is_empty() {
        return Err(Problem::new("the file is empty"));
    }
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches('\u{feff}');
    let says = |words: &[&str]| words.iter().any(|word| head.contains(word));
    if says(&["-- MySQL dump", "-- MariaDB dump", "/*!40", "/*M!", "ENGINE=InnoDB"]) {
        Ok(Dialect::Mysql)
    } else if says(&["-- PostgreSQL database dump", "SET statement_timeout", "FROM stdin;", "pg_catalog"]) {
        Ok(Dialect::Postgres)
    } else if says(&["PRAGMA ", "BEGIN TRANSACTION", "CREATE TABLE", "INSERT INTO"]) {
        Ok(Dialect::Sqlite)
    } else {
        Err(Problem::new(
            "this is neither a SQLite file nor a dump that is known by its first lines; if it is one, say whose with \
             --dialect",
        ))
    }
}
