//! Paging as Auth0's lists do it: by page number, or by checkpoint.

use super::{Db, Query, Row, Scope};
use crate::error::Fault;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::ops::RangeInclusive;

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
        let size = number("per_page", self.per_page.as_deref(), DEFAULT_SIZE, 1..=MAXIMUM_SIZE)?;
        let page = number("page", self.page.as_deref(), 0, 0..=1_000_000)?;
        Ok(Window { size, start: page * size, totals: self.include_totals.as_deref() == Some("true") })
    }
}

/// The `order by` terms that `sort` asks for, as `field:1` or `field:-1` with a field of `fields`; `default` without it.
///
/// # Errors
/// Words that name the fields there are.
pub fn order(sort: Option<&str>, fields: &[&'static str], default: &'static str) -> Result<String, String> {
    let Some(sort) = sort else { return Ok(default.to_owned()) };
    let (name, direction) = sort.split_once(':').unwrap_or((sort, "1"));
    let column = fields.iter().find(|field| **field == name);
    match (column, direction) {
        (Some(column), "1") => Ok((*column).to_owned()),
        (Some(column), "-1") => Ok(format!("{column} desc")),
        _ => Err(format!("sort must be field:1 or field:-1 with one of: {}", fields.join(", "))),
    }
}

/// `from` and `take` of a list request: the items after one that was seen before.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Checkpoint {
    /// The id of the last item that was seen; none for the beginning.
    pub from: Option<String>,
    take: Option<String>,
}

impl Checkpoint {
    /// Whether the request asks for a checkpoint at all.
    pub fn is_asked(&self) -> bool {
        self.from.is_some() || self.take.is_some()
    }

    /// How many items: 1 to 100.
    ///
    /// # Errors
    /// Words that name the parameter.
    pub fn size(&self) -> Result<i64, String> {
        number("take", self.take.as_deref(), DEFAULT_SIZE, 1..=MAXIMUM_SIZE)
    }
}

fn number(name: &str, text: Option<&str>, default: i64, range: RangeInclusive<i64>) -> Result<i64, String> {
    let value = text.map_or(Ok(default), str::parse).ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("{name} must be an integer from {} to {}", range.start(), range.end()))
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
    /// Reads a page and, if it is wanted, the `total` that `count` selects, in one round trip.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn read<S: Scope>(
        self,
        db: &Db<S>,
        page: Query<S>,
        count: Query<S>,
    ) -> Result<(Vec<Row>, i64), Fault> {
        if !self.totals {
            return Ok((db.all(page).await?, 0));
        }
        let [rows, counted] = db.read([page, count]).await?;
        Ok((rows, total(&counted)?))
    }

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
