//! A row of the source, read column by column. Whatever it holds is looked at: a column that nobody has asked for when the
//! row is done is unknown, and said so.

use crate::{
    importing::record::{Note, Problem},
    json,
    time::Timestamp,
};
use serde_json::{Map, Value as Json};
use std::cell::RefCell;

/// A row as a reader of dumps gives it.
pub type Row = Map<String, Json>;

/// Reads one row.
pub(super) struct Reader<'a> {
    table: &'a str,
    key: String,
    row: &'a Row,
    seen: RefCell<Vec<&'static str>>,
    notes: RefCell<Vec<Note>>,
}

impl<'a> Reader<'a> {
    /// A reader of a row whose key is in `keys`, besides its tenant.
    pub(super) fn new(table: &'a str, keys: &[&'static str], row: &'a Row) -> Self {
        let part = |name: &&'static str| match row.get(*name) {
            Some(Json::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "null".to_owned(),
        };
        let key = keys.iter().map(part).collect::<Vec<_>>().join(" ");
        Self { table, key, row, seen: RefCell::default(), notes: RefCell::default() }
    }

    /// A value as it is; null if the source has no such column.
    pub(super) fn get(&self, name: &'static str) -> &'a Json {
        self.seen.borrow_mut().push(name);
        self.row.get(name).unwrap_or(&Json::Null)
    }

    /// Something about a column that makes the row unfit.
    pub(super) fn problem(&self, name: &str, words: impl Into<String>) -> Problem {
        Problem {
            table: self.table.to_owned(),
            key: self.key.clone(),
            column: name.to_owned(),
            words: words.into(),
        }
    }

    /// Something that is changed or lost.
    pub(super) fn note(&self, name: &str, words: impl Into<String>) {
        self.notes.borrow_mut().push(Note::new(self.table, name, words));
    }

    /// A column that is not brought over: said if it holds anything.
    pub(super) fn lost(&self, name: &'static str, why: &str) {
        let empty = match self.get(name) {
            Json::Null | Json::Bool(false) => true,
            Json::Number(number) => number.as_i64() == Some(0),
            Json::String(text) => matches!(text.as_str(), "" | "[]" | "{}" | "null" | "0"),
            Json::Array(items) => items.is_empty(),
            Json::Object(members) => members.is_empty(),
            Json::Bool(true) => false,
        };
        if !empty {
            self.note(name, why);
        }
    }

    /// A column that says nothing new.
    pub(super) fn implied(&self, name: &'static str) {
        self.get(name);
    }

    /// Text; null and the empty text are nothing.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.get(name) {
            Json::Null => Ok(None),
            Json::String(text) if text.is_empty() => Ok(None),
            Json::String(text) => Ok(Some(text.clone())),
            Json::Number(number) => Ok(Some(number.to_string())),
            _ => Err(self.problem(name, "is not text")),
        }
    }

    /// Text that must be there.
    pub(super) fn need(&self, name: &'static str) -> Result<String, Problem> {
        self.text(name)?.ok_or_else(|| self.problem(name, "is empty"))
    }

    /// An integer, as a number or as its digits.
    pub(super) fn int(&self, name: &'static str) -> Result<Option<i64>, Problem> {
        let value = match self.get(name) {
            Json::Null => return Ok(None),
            Json::String(text) if text.is_empty() => return Ok(None),
            Json::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Json::String(text) => text.parse().ok(),
            Json::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        };
        value.map(Some).ok_or_else(|| self.problem(name, "is not an integer"))
    }

    /// A flag: a boolean, 0 or 1, or how PostgreSQL writes them.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.get(name) {
            Json::Null => Ok(None),
            Json::Bool(flag) => Ok(Some(*flag)),
            Json::Number(number) if number.as_i64() == Some(0) => Ok(Some(false)),
            Json::Number(number) if number.as_i64() == Some(1) => Ok(Some(true)),
            Json::String(text) => match text.as_str() {
                "" => Ok(None),
                "0" | "f" | "false" => Ok(Some(false)),
                "1" | "t" | "true" => Ok(Some(true)),
                _ => Err(self.problem(name, "is not 0 or 1")),
            },
            _ => Err(self.problem(name, "is not 0 or 1")),
        }
    }

    /// A moment, in milliseconds: as such, or as ISO-8601.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<i64>, Problem> {
        let wrong = || self.problem(name, "is not a moment: neither milliseconds nor ISO-8601");
        match self.get(name) {
            Json::String(text) if !text.is_empty() && !text.bytes().all(|byte| byte.is_ascii_digit()) => {
                moment(text).map(|moment| Some(moment.millis())).ok_or_else(wrong)
            }
            _ => self.int(name).map_err(|_| wrong()),
        }
    }

    /// A moment that must be there.
    pub(super) fn need_time(&self, name: &'static str) -> Result<i64, Problem> {
        self.time(name)?.ok_or_else(|| self.problem(name, "is empty"))
    }

    /// JSON: as such, or as text; null and the empty text are nothing.
    pub(super) fn json(&self, name: &'static str) -> Result<Option<Json>, Problem> {
        match self.get(name) {
            Json::Null => Ok(None),
            Json::String(text) if text.trim().is_empty() => Ok(None),
            Json::String(text) => match json::accept(text) {
                Ok(Json::Null) => Ok(None),
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(self.problem(name, format!("is not JSON: {error}"))),
            },
            value => Ok(Some(value.clone())),
        }
    }

    /// A JSON object; an empty one for nothing.
    pub(super) fn object(&self, name: &'static str) -> Result<Map<String, Json>, Problem> {
        match self.json(name)? {
            None => Ok(Map::new()),
            Some(Json::Object(members)) => Ok(members),
            // JSON that was made text once too often.
            Some(Json::String(text)) => match json::accept(&text) {
                Ok(members) => Ok(members),
                Err(_) => Err(self.problem(name, "is not a JSON object")),
            },
            Some(_) => Err(self.problem(name, "is not a JSON object")),
        }
    }

    /// A JSON array; an empty one for nothing.
    pub(super) fn list(&self, name: &'static str) -> Result<Vec<Json>, Problem> {
        match self.json(name)? {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => Ok(items),
            Some(_) => Err(self.problem(name, "is not a JSON array")),
        }
    }

    /// A JSON array of texts.
    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<String>, Problem> {
        let text = |item: Json| item.as_str().map(str::to_owned);
        let texts: Option<Vec<String>> = self.list(name)?.into_iter().map(text).collect();
        texts.ok_or_else(|| self.problem(name, "is not a JSON array of texts"))
    }

    /// The key, for words.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// What has been said of the row, and of the columns that nobody knows.
    pub(super) fn done(self) -> Vec<Note> {
        let seen = self.seen.into_inner();
        let mut notes = self.notes.into_inner();
        let unknown = self.row.keys().filter(|name| !seen.iter().any(|seen| seen == name));
        notes.extend(unknown.map(|name| Note::new(self.table, name, "is not known: ignored")));
        notes
    }
}

fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    exact.then_some(number as i64)
}

/// Reads a moment as databases write them: `T` or a blank between, with or without a fraction, in UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text =
        ["Z", "+00:00", "+0000", "+00"].iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    Timestamp::span(&format!("{date}T{seconds}.{millis}")).map(|(start, _)| start)
}
