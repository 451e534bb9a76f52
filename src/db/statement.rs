//! Statements as values: what to read, what to write, with every value bound.

use super::{RawStatement, Scope};
use crate::time::Timestamp;
use std::{borrow::Cow, marker::PhantomData};

/// A value that can be bound. No blobs (D1 returns them as number arrays) and no integers beyond 2^53 (D1 rounds them).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL null.
    Null,
    /// An integer of at most 53 bits.
    Int(i64),
    /// Text.
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Int(moment.millis())
    }
}

/// JSON is stored as text.
impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        Self::Text(json.to_string())
    }
}

/// A JSON array of texts, for `json_each`.
pub fn list<const N: usize>(texts: [&str; N]) -> Value {
    Value::from(&serde_json::Value::from(texts.to_vec()))
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A read of scope `S`. In a tenant's scope `?1` is the tenant and the first bound value is `?2`.
pub struct Query<S> {
    sql: Cow<'static, str>,
    params: Vec<Value>,
    scope: PhantomData<fn() -> S>,
}

/// A write of scope `S`: nothing has happened until it is committed.
pub struct Statement<S> {
    sql: Cow<'static, str>,
    params: Vec<Value>,
    /// Whether it takes no parameters at all, not even that of its scope.
    bare: bool,
    /// Of whom it adds rows, where a quota counts them by somebody.
    parents: Vec<Value>,
    /// Into which document it merges what it binds.
    merges: Option<Merge>,
    scope: PhantomData<fn() -> S>,
}

/// A document that grows by what is merged into it.
#[derive(Debug, Clone)]
pub(super) struct Merge {
    /// Its table.
    pub table: &'static str,
    /// The column behind the tenant that names its row, and its value.
    pub key: (&'static str, Value),
}

/// A read; `sql` is a `select`.
pub fn read<S>(sql: impl Into<Cow<'static, str>>) -> Query<S> {
    Query { sql: sql.into(), params: Vec::new(), scope: PhantomData }
}

/// A write: `insert`, `update` or `delete`, perhaps with `returning`.
pub fn write<S>(sql: impl Into<Cow<'static, str>>) -> Statement<S> {
    Statement {
        sql: sql.into(),
        params: Vec::new(),
        bare: false,
        parents: Vec::new(),
        merges: None,
        scope: PhantomData,
    }
}

/// A definition (`create trigger`, `drop trigger`), which SQLite lets have no parameters: whoever writes one puts the
/// tenant into its text.
pub fn define<S>(sql: impl Into<Cow<'static, str>>) -> Statement<S> {
    Statement { bare: true, ..write(sql) }
}

impl<S: Scope> Query<S> {
    /// Binds the next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }

    pub(super) fn raw(self, first: Option<Value>) -> RawStatement {
        RawStatement { sql: self.sql, params: first.into_iter().chain(self.params).collect() }
    }
}

impl<S: Scope> Statement<S> {
    /// Binds the next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }

    /// Says of whom it adds rows, in the order of [`super::quota::Quota::per`]; the last one is a JSON array.
    pub fn counted_in(mut self, parents: impl Into<Vec<Value>>) -> Self {
        self.parents = parents.into();
        self
    }

    /// Says that it merges what it binds into the document of a row, whose size has a bound.
    pub fn merged_into(mut self, table: &'static str, key: &'static str, value: impl Into<Value>) -> Self {
        self.merges = Some(Merge { table, key: (key, value.into()) });
        self
    }

    pub(super) fn merges(&self) -> Option<&Merge> {
        self.merges.as_ref()
    }

    pub(super) fn parents(&self) -> &[Value] {
        &self.parents
    }

    /// The table that it writes to, and whether it may add rows to it.
    pub(super) fn target(&self) -> Option<(&str, bool)> {
        let sql = self.sql.trim_start();
        let after =
            |start: &str| Some(sql.strip_prefix(start)?.split([' ', '\n']).next().unwrap_or_default());
        after("insert into ").map(|table| (table, true)).or_else(|| Some((after("update ")?, false)))
    }

    /// The length of the longest text that it binds, in bytes.
    pub(super) fn longest_text(&self) -> usize {
        let length = |value: &Value| if let Value::Text(text) = value { text.len() } else { 0 };
        self.params.iter().map(length).max().unwrap_or_default()
    }

    pub(super) fn raw(self, first: Option<Value>) -> RawStatement {
        let first = first.filter(|_| !self.bare);
        RawStatement { sql: self.sql, params: first.into_iter().chain(self.params).collect() }
    }
}

/// A read inside a batch of writes, when its answer must be of the same instant.
impl<S> From<Query<S>> for Statement<S> {
    fn from(query: Query<S>) -> Self {
        Self { params: query.params, ..write(query.sql) }
    }
}
