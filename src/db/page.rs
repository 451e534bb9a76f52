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

/// `page` and so on, or `from` and `take`, of a list that can be asked for either way.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Paging {
    #[serde(flatten)]
    page: Page,
    #[serde(flatten)]
    checkpoint: Checkpoint,
}

impl Paging {
    /// Checks the numbers. The two ways cannot be mixed.
    ///
    /// # Errors
    /// Words that name the parameter.
    pub fn check(self) -> Result<Part, String> {
        if !self.checkpoint.is_asked() {
            return self.page.check().map(Part::Page);
        }
        let mixed = [("page", &self.page.page), ("per_page", &self.page.per_page)];
        match mixed.into_iter().find(|(_, given)| given.is_some()) {
            Some((name, _)) => Err(format!("{name} cannot be combined with from and take")),
            None => {
                let size = self.checkpoint.size()?;
                Ok(Part::After(self.checkpoint.from.unwrap_or_default(), size))
            }
        }
    }
}

/// A part of a list.
#[derive(Debug, Clone)]
pub enum Part {
    /// A page.
    Page(Window),
    /// So many behind the one with this key.
    After(String, i64),
}

impl Part {
    /// The key behind which it begins, in a list that is in the order of its keys.
    pub fn after(&self) -> &str {
        match self {
            Self::Page(_) => "",
            Self::After(key, _) => key,
        }
    }

    /// How many rows to read: behind a checkpoint one more, which tells whether there are others.
    pub fn limit(&self) -> i64 {
        match self {
            Self::Page(window) => window.size,
            Self::After(_, size) => size + 1,
        }
    }

    /// How many rows to leave out before.
    pub fn offset(&self) -> i64 {
        match self {
            Self::Page(window) => window.start,
            Self::After(..) => 0,
        }
    }

    /// Binds where it begins, how many rows to read and how many to leave out, as the last three parameters of a query.
    pub fn bind<S: Scope>(&self, query: Query<S>) -> Query<S> {
        query.bind(self.after()).bind(self.limit()).bind(self.offset())
    }

    /// Leaves as many rows as were asked for. The `key` of the last one, if there are others behind it.
    ///
    /// # Errors
    /// A fault if a row has no such key.
    pub fn cut(&self, rows: &mut Vec<Row>, key: &str) -> Result<Option<String>, Fault> {
        let Self::After(_, size) = self else { return Ok(None) };
        let size = usize::try_from(*size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        rows.last().filter(|_| more).map(|row| row.text(key)).transpose()
    }

    /// The list as Auth0 shapes it: by page as [`Window::list`] does, behind a checkpoint an object, in which `next` says
    /// where to go on, and is absent at the end.
    pub fn list(&self, key: &str, items: Vec<Json>, total: i64, next: Option<String>) -> Json {
        match (self, next) {
            (Self::Page(window), _) => window.list(key, items, total),
            (Self::After(..), Some(next)) => json!({ key: items, "next": next }),
            (Self::After(..), None) => json!({ key: items }),
        }
    }
}

/// The `total` of a count.
///
/// # Errors
/// A fault if the row is missing or holds something else.
pub fn total(count: &[Row]) -> Result<i64, Fault> {
    count.first().ok_or_else(|| Fault::internal("a count answered no row"))?.int("total")
}
