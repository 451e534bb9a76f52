//! Whether a record has the shape of its table: known columns, each of its kind. What they mean, [`super::rules`] says.

use super::{
    record::Values,
    tables::{Column, Kind, Table},
};
use serde_json::Value as Json;

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The column; empty if it is the record as a whole.
    pub column: String,
    /// In words, to follow the column's name.
    pub words: String,
}

impl Wrong {
    /// Something about a column.
    pub fn new(column: &str, words: impl Into<String>) -> Self {
        Self { column: column.to_owned(), words: words.into() }
    }
}

/// D1 stores 2 MB in a row; this leaves room for the rest of it.
const DOCUMENT: usize = 1_000_000;

/// The largest integer that is exact as a double, in which D1 answers.
const LARGEST: i64 = 1 << 53;

/// Checks the shape of a record.
///
/// # Errors
/// The first column that is unknown, missing or of another kind.
pub fn check(table: &Table, values: &Values) -> Result<(), Wrong> {
    let known = |name: &String| table.columns.iter().any(|column| column.name == name);
    if let Some(name) = values.keys().find(|name| !known(name)) {
        return Err(Wrong::new(name, "there is no such column"));
    }
    table.columns.iter().try_for_each(|column| check_column(column, values.get(column.name)))
}

fn check_column(column: &Column, value: Option<&Json>) -> Result<(), Wrong> {
    let wrong = |words: String| Err(Wrong::new(column.name, words));
    let value = match value {
        None | Some(Json::Null) if column.nullable => return Ok(()),
        None | Some(Json::Null) => return wrong("is missing".to_owned()),
        Some(value) => value,
    };
    // SQLite ends text at a NUL in some of its functions: what is stored would not be what was sent.
    if has_nul(value) {
        return wrong("holds a NUL character".to_owned());
    }
    match column.kind {
        Kind::Text(most) => match value.as_str() {
            Some(text) if text.len() <= most => Ok(()),
            _ => wrong(format!("must be text of at most {most} bytes")),
        },
        Kind::Word(words) => match value.as_str() {
            Some(text) if words.contains(&text) => Ok(()),
            _ => wrong(format!("must be one of: {}", words.join(", "))),
        },
        Kind::Integer | Kind::Time => match value.as_i64() {
            Some(number) if (0..=LARGEST).contains(&number) => Ok(()),
            _ => wrong("must be an integer from 0 to 2^53".to_owned()),
        },
        Kind::Flag if value.is_boolean() => Ok(()),
        Kind::Flag => wrong("must be true or false".to_owned()),
        Kind::Object | Kind::Options { .. } if value.is_object() => check_size(column, value),
        Kind::Object | Kind::Options { .. } => wrong("must be an object".to_owned()),
        Kind::List if value.is_array() => check_size(column, value),
        Kind::List => wrong("must be a list".to_owned()),
        Kind::Digest => match value.as_str() {
            Some(text) if is_digest(text) => Ok(()),
            _ => wrong("must be a SHA-256 of 64 lower-case hex digits".to_owned()),
        },
        Kind::Secret { .. } => match value.as_str() {
            Some(text) if !text.is_empty() && text.len() <= 4096 => Ok(()),
            _ => wrong("must be text of 1 to 4096 bytes".to_owned()),
        },
        Kind::Sealed { .. } if value.is_string() || value.is_object() || value.is_array() => {
            check_size(column, value)
        }
        Kind::Sealed { .. } => wrong("must be text, an object or a list".to_owned()),
    }
}

/// Whether text is a SHA-256 in lower-case hex.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn check_size(column: &Column, value: &Json) -> Result<(), Wrong> {
    if value.to_string().len() <= DOCUMENT {
        return Ok(());
    }
    Err(Wrong::new(column.name, format!("must have at most {DOCUMENT} bytes")))
}

fn has_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}
