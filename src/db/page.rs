//! Paging as Auth0's lists do it: by page number, or by checkpoint.

use super::Row;
use crate::error::Fault;
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// `page`, `per_page` and `include_totals` of a list request, as text from the query.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Page {
    page: Option<String>,
    per_page: Option<String>,
    include_totals: Option<String>,
}

/// Auth0's default and maximum page size.
const DEFAULT_SIZE: i64 = 50;
const MAXIMUM_SIZE: i64 = 100;

impl Page {
    /// Checks the numbers: a page from 0, 1 to 100 items each.
    ///
    /// # Errors
    /// Words that name the parameter.
    pub fn check(&self) -> Result<Window, String> {
        let number =
            |name: &str, text: &Option<String>, default: i64, range: std::ops::RangeInclusive<i64>| {
                let value = text.as_ref().map_or(Ok(default), |text| text.parse::<i64>());
                value.ok().filter(|value| range.contains(value)).ok_or_else(|| {
                    format!("{name} must be an integer from {} to {}", range.start(), range.end())
                })
            };
        let size = number("per_page", &self.per_page, DEFAULT_SIZE, 1..=MAXIMUM_SIZE)?;
        let page = number("page", &self.page, 0, 0..=1_000_000)?;
        Ok(Window { size, start: page * size, totals: self.include_totals.as_deref() == Some("true") })
    }
}

/// A checked page: which items, and whether the total is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// How many items.
    pub size: i64,
    /// Index of the first.
    pub start: i64,
    /// Whether the answer is an object with totals.
    pub totals: bool,
}

impl Window {
    /// The list as Auth0 shapes it: a bare array, or `{start, limit, length, total, <key>: […]}`.
    pub fn list(self, key: &str, items: Vec<Json>, total: i64) -> Json {
        if !self.totals {
            return Json::Array(items);
        }
        json!({ "start": self.start, "limit": self.size, "length": items.len(), "total": total, key: items })
    }
}

/// The `total` of a count.
///
/// # Errors
/// A fault if the row is missing or holds something else.
pub fn total(count: &[Row]) -> Result<i64, Fault> {
    count.first().ok_or_else(|| Fault::internal("a count answered no row"))?.int("total")
}
