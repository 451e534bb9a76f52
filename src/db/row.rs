//! One row, read column by column; a column that is missing or of another type is a fault.

use crate::{
    error::{Fault, FaultKind},
    json,
    time::Timestamp,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// A row as the database returned it.
#[derive(Debug, Clone, Default)]
pub struct Row(pub Map<String, Json>);

impl Row {
    fn column(&self, name: &str) -> Result<&Json, Fault> {
        self.0.get(name).ok_or_else(|| Fault::internal(format!("the row has no column {name}")))
    }

    /// Text, or `None` for null.
    ///
    /// # Errors
    /// A fault if the column is missing or holds something else.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.column(name)? {
            Json::Null => Ok(None),
            Json::String(text) => Ok(Some(text.clone())),
            _ => Err(Fault::internal(format!("column {name} is not text"))),
        }
    }

    /// Text.
    ///
    /// # Errors
    /// A fault if the column is missing, null or holds something else.
    pub fn text(&self, name: &str) -> Result<String, Fault> {
        self.optional_text(name)?.ok_or_else(|| Fault::internal(format!("column {name} is null")))
    }

    /// An integer, or `None` for null. D1 answers numbers as doubles, so `3.0` is 3.
    ///
    /// # Errors
    /// A fault if the column is missing or holds something else.
    pub fn optional_int(&self, name: &str) -> Result<Option<i64>, Fault> {
        let not_int = || Fault::internal(format!("column {name} is not an integer"));
        match self.column(name)? {
            Json::Null => Ok(None),
            Json::Number(number) => {
                number.as_i64().or_else(|| whole(number.as_f64()?)).map(Some).ok_or_else(not_int)
            }
            _ => Err(not_int()),
        }
    }

    /// An integer.
    ///
    /// # Errors
    /// A fault if the column is missing, null or holds something else.
    pub fn int(&self, name: &str) -> Result<i64, Fault> {
        self.optional_int(name)?.ok_or_else(|| Fault::internal(format!("column {name} is null")))
    }

    /// A flag, stored as 0 or 1.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.int(name)? != 0)
    }

    /// A moment.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn time(&self, name: &str) -> Result<Timestamp, Fault> {
        self.int(name).map(Timestamp::from_millis)
    }

    /// A moment, or `None` for null.
    ///
    /// # Errors
    /// As [`Row::optional_int`].
    pub fn optional_time(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.optional_int(name)?.map(Timestamp::from_millis))
    }

    /// A value stored as JSON text.
    ///
    /// # Errors
    /// A fault if the column is missing or is not such JSON.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Fault> {
        json::read(&self.text(name)?).map_err(|error| unreadable(name, &error))
    }

    /// An object stored as JSON text, whose members nobody interprets.
    ///
    /// # Errors
    /// A fault if the column is missing or is no such JSON.
    pub fn object(&self, name: &str) -> Result<Map<String, Json>, Fault> {
        json::object(&self.text(name)?).map_err(|error| unreadable(name, &error))
    }

    /// Reads a row that is about to be changed. If it cannot be read, it is read with `blank` documents in their columns
    /// instead: what cannot be read is replaced by what the change sets.
    ///
    /// # Errors
    /// The fault of `read`, if that does not help.
    pub fn mended<T>(
        &self,
        blank: &[(&str, &str)],
        read: impl Fn(&Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        match read(self) {
            Err(Fault { kind: FaultKind::Unreadable, .. }) => {
                let mut row = self.clone();
                let blank = blank.iter().map(|(name, text)| ((*name).to_owned(), Json::from(*text)));
                row.0.extend(blank);
                read(&row)
            }
            other => other,
        }
    }
}

/// Reads rows, each for itself: one that cannot be read is left out, and `report` is told its `key` and why.
pub fn readable<T>(
    rows: &[Row],
    key: &str,
    read: impl Fn(&Row) -> Result<T, Fault>,
    mut report: impl FnMut(String, Fault),
) -> Vec<T> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(item) => found.push(item),
            Err(fault) => report(row.text(key).unwrap_or_default(), fault),
        }
    }
    found
}

/// What is wrong with a column, but nothing of what it holds: the words of serde quote that.
fn unreadable(name: &str, error: &serde_json::Error) -> Fault {
    if error.is_data() {
        Fault::unreadable(format!("column {name} is JSON of another shape, or nested too deep"))
    } else {
        Fault::unreadable(format!("column {name} is not JSON, at its byte {}", error.column()))
    }
}

/// The integer that a double stands for, within the 53 bits that D1 keeps exactly.
fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    exact.then_some(number as i64)
}
