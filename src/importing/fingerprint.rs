//! What a set of rows amounts to, whatever their order: equal sums mean equal rows.

use super::{
    record::Values,
    tables::{Column, Kind, Table, secrets},
};
use crate::secret::{Secret, hex};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// The sum of the fingerprints of rows: four lanes of 64 bits, each added without carry into the next. Adding keeps what an
/// exclusive or would lose: a row that is there twice. It finds what went wrong; it is no proof against somebody who makes
/// rows to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum([u64; 4]);

impl Sum {
    /// Adds a record as it is sent, with its secrets in clear.
    pub fn add(&mut self, table: &Table, values: &Values) {
        self.add_digested(table, &digested(table, values));
    }

    /// Adds a record whose secrets have been replaced by their digests, as it is read back.
    pub fn add_digested(&mut self, table: &Table, values: &Values) {
        let cells: Vec<&Json> =
            table.columns.iter().map(|column| values.get(column.name).unwrap_or(&Json::Null)).collect();
        let text = serde_json::to_string(&cells).unwrap_or_default();
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        for (lane, bytes) in self.0.iter_mut().zip(digest.as_chunks().0) {
            *lane = lane.wrapping_add(u64::from_be_bytes(*bytes));
        }
    }

    /// Adds another sum.
    pub fn add_sum(&mut self, other: Self) {
        for (lane, more) in self.0.iter_mut().zip(other.0) {
            *lane = lane.wrapping_add(more);
        }
    }

    /// 64 hex digits.
    pub fn to_hex(self) -> String {
        hex(&self.0.map(u64::to_be_bytes).concat())
    }

    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lanes = [0; 4];
        for (index, lane) in lanes.iter_mut().enumerate() {
            *lane = u64::from_str_radix(text.get(index * 16..index * 16 + 16)?, 16).ok()?;
        }
        (text.len() == 64).then_some(Self(lanes))
    }
}

/// The record without its secrets: each is replaced by its digest.
pub fn digested(table: &Table, values: &Values) -> Values {
    let mut digested = values.clone();
    for Column { name, kind, .. } in table.columns {
        let Some(value) = digested.get_mut(*name).filter(|value| !value.is_null()) else { continue };
        match kind {
            Kind::Secret { .. } | Kind::Sealed { .. } => *value = digest(value),
            Kind::Options { .. } => digest_members(value),
            _ => {}
        }
    }
    digested
}

/// The columns in which two records without secrets differ.
pub fn different_columns(table: &Table, one: &Values, other: &Values) -> Vec<&'static str> {
    let cell = |values: &Values, name: &str| values.get(name).cloned().unwrap_or(Json::Null);
    let names = table.columns.iter().map(|column| column.name);
    names.filter(|name| cell(one, name) != cell(other, name)).collect()
}

/// The digest of a secret: of its text, or of its JSON.
pub fn digest(secret: &Json) -> Json {
    let text = secret.as_str().map_or_else(|| secret.to_string(), str::to_owned);
    Json::from(format!("sha256:{}", Secret::new(text).digest().as_str()))
}

fn digest_members(document: &mut Json) {
    let Some(document) = document.as_object_mut() else { return };
    for secret in secrets(document) {
        *secret = format!("sha256:{}", Secret::new(secret.as_str()).digest().as_str());
    }
}
