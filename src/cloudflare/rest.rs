//! D1 over the HTTP API: for the minute until the binding of a new database is there.

use super::{Api, Kind, Problem, api::Call};
use crate::{
    config::CloudflareConfig,
    db::{Driver, Outcome, RawStatement, Row, Value, driver::fault},
    error::Fault,
    http::Method,
    json,
    platform::{LocalBox, Platform},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::rc::Rc;

/// Runs statements on one database through `POST …/d1/database/{uuid}/raw`, which names each column once.
pub struct RestDriver {
    api: Api,
    uuid: String,
}

/// What one statement answered.
#[derive(Deserialize)]
struct Answered {
    results: Table,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Json>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    changes: u64,
    rows_read: u64,
    rows_written: u64,
}

impl RestDriver {
    /// A driver for the database of this id.
    pub fn new(platform: Rc<dyn Platform>, config: CloudflareConfig, uuid: &str) -> Self {
        Self { api: Api::new(platform, config), uuid: uuid.to_owned() }
    }

    async fn raw(&self, batch: &[RawStatement]) -> Result<Vec<Outcome>, Fault> {
        // A batch that only reads can be repeated when its answer is lost (D1 itself does so for a binding).
        let reads = batch.iter().all(|statement| statement.sql.trim_start().starts_with("select"));
        let statements = batch.iter().map(|statement| {
            let params: Vec<Json> = statement.params.iter().map(param).collect();
            json!({ "sql": statement.sql, "params": params })
        });
        let body = json!({ "batch": statements.collect::<Vec<_>>() });
        let path = format!("/d1/database/{}/raw", self.uuid);
        let result = self.api.call(Call::json(Method::POST, path, &body, reads)).await.map_err(as_fault)?;
        let answered: Vec<Answered> = serde_json::from_value(result)
            .map_err(|error| Fault::unavailable(format!("D1 over REST: {error}")))?;
        Ok(answered.into_iter().map(Outcome::from).collect())
    }
}

impl From<Answered> for Outcome {
    fn from(answered: Answered) -> Self {
        let Table { columns, rows } = answered.results;
        let rows = rows.into_iter().map(|row| Row(json::gather(columns.iter().cloned().zip(row))));
        Self {
            rows: rows.collect(),
            changes: answered.meta.changes,
            rows_read: answered.meta.rows_read,
            rows_written: answered.meta.rows_written,
        }
    }
}

fn param(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}

fn as_fault(problem: Problem) -> Fault {
    match problem.kind {
        // What SQLite says reads the same on both ways.
        Kind::Refused => fault(&problem.detail),
        Kind::Exists | Kind::Limit | Kind::NotFound | Kind::Unauthorized => {
            Fault::internal(format!("D1 over REST: {}", problem.detail))
        }
        Kind::Throttled(_) | Kind::NotSent(_) | Kind::Unknown => {
            Fault::unavailable(format!("D1 over REST: {}", problem.detail))
        }
    }
}

impl Driver for RestDriver {
    fn run(&self, batch: Vec<RawStatement>) -> LocalBox<'_, Result<Vec<Outcome>, Fault>> {
        Box::pin(async move { self.raw(&batch).await })
    }
}
