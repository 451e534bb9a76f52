//! D1 through a binding.

use super::wire;
use crate::{
    db::{Driver, Outcome, RawStatement, Row, Value, driver},
    error::Fault,
    platform::LocalBox,
};
use js_sys::{Array, JSON, Object};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::types::{D1Database, D1PreparedStatement};

/// One database.
pub struct D1(D1Database);

/// The answer to one statement, as D1 words it.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Map<String, Json>>,
    meta: Meta,
}

/// What a statement cost.
#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    changes: u64,
    #[serde(default)]
    rows_read: u64,
    #[serde(default)]
    rows_written: u64,
}

impl D1 {
    /// A binding as a database, if it is one.
    pub fn of(binding: JsValue) -> Option<Self> {
        let object = binding.dyn_into::<Object>().ok()?;
        (object.constructor().name() == "D1Database").then(|| Self(object.unchecked_into()))
    }

    fn prepare(&self, statement: &RawStatement) -> Result<D1PreparedStatement, JsValue> {
        let values = statement.params.iter().map(|value| match value {
            Value::Null => JsValue::NULL,
            // D1 takes no BigInt; `Value` holds at most 53 bits, which a double holds exactly.
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
            Value::Int(number) => JsValue::from_f64(*number as f64),
            Value::Text(text) => JsValue::from_str(text),
        });
        self.0.prepare(&statement.sql)?.bind(values.collect())
    }

    async fn batch(&self, statements: &[RawStatement]) -> Result<JsValue, JsValue> {
        let prepared = statements.iter().map(|statement| self.prepare(statement));
        JsFuture::from(self.0.batch(prepared.collect::<Result<Array, _>>()?)?).await
    }
}

impl Driver for D1 {
    fn run(&self, batch: Vec<RawStatement>) -> LocalBox<'_, Result<Vec<Outcome>, Fault>> {
        Box::pin(async move {
            let answers = self.batch(&batch).await.map_err(|error| driver::fault(&wire::words(&error)))?;
            // One string across the border instead of a call for every column of every row.
            let answers = JSON::stringify(&answers).map_err(|error| Fault::internal(wire::words(&error)))?;
            let answers: Vec<Answer> = serde_json::from_str(&String::from(answers))
                .map_err(|error| Fault::internal(format!("D1 answered something else: {error}")))?;
            Ok(answers.into_iter().map(Outcome::from).collect())
        })
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self {
            rows: answer.results.into_iter().map(Row).collect(),
            changes: answer.meta.changes,
            rows_read: answer.meta.rows_read,
            rows_written: answer.meta.rows_written,
        }
    }
}
