//! Every row of a tenant, counted and hashed, or compared with the other database of its move.

use super::{
    MOVE,
    model::Cursor,
    mover::sides::reach,
    progress::Differing,
    rows::{Sum, compare},
    store::{directory, replica, rows},
};
use crate::{
    access::{Area, Operator, management::Refusal},
    error::Error,
    http::{Json, Path, Query},
    id::OperationId,
    json,
    operations::{
        engine::{model::Operation, subject::TenantRecord},
        tenants::{self, databases::store::read_database},
    },
    tenant::{TenantDb, store::Database},
    time::Lifetime,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a comparison goes on.
#[derive(Deserialize)]
pub struct From {
    /// `next` of the answer before; none for the beginning.
    from: Option<String>,
    /// One table; all of them if none is named.
    table: Option<String>,
}

/// What a part of a comparison found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Verified {
    /// `compared` while the tenant has two databases, else `counted`.
    pub mode: String,
    /// The tables that were looked at, in part or whole: rows found (and equal on both sides), and a hash that adds up.
    pub tables: BTreeMap<String, Sum>,
    /// Rows that differ.
    pub differences: Vec<Differing>,
    /// Rows that have just changed and are still on their way to the other side.
    pub pending: usize,
    /// To be given as `from`, for the rest; none when this was the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How long one request compares, and how many rows at once.
const VERIFYING: Lifetime = Lifetime::seconds(4);
const STRETCH: i64 = 500;

/// Compares every row and every column of the two databases of a tenant that moves, or counts and hashes the rows of one
/// that does not. A long comparison is taken up where the answer before ended.
///
/// # Errors
/// 404; 400 for what is no place in the tables.
pub async fn verify(
    cx: &Operator,
    (Path(id), Query(from)): (Path<String>, Query<From>),
) -> Result<Json<Verified>, Error<Refusal>> {
    let call = cx.call();
    let malformed = || Refusal::invalid_query("from must be `next` of an answer".to_owned());
    let mut cursor = match &from.from {
        None => Cursor::default(),
        Some(text) => json::accept::<Cursor>(text).map_err(|_| malformed())?,
    };
    let (record, newest) = tenants::api::by_id(cx, &id).await?;
    let (db, pair) = home(cx, &record, newest.as_ref()).await?;
    let tables = cx.call().shared.config.schema.moved();
    let mut end = tables.len();
    if let Some(name) = &from.table {
        let names: Vec<_> = tables.iter().map(|table| table.name).collect();
        let unknown = || Refusal::invalid_query(format!("table must be one of {}", names.join(", ")));
        let number = names.iter().position(|table| table == name).ok_or_else(unknown)?;
        cursor.table = cursor.table.max(number);
        end = number + 1;
    }
    let mode = if pair.is_some() { "compared" } else { "counted" };
    let mut verified = Verified {
        mode: mode.to_owned(),
        tables: BTreeMap::new(),
        differences: vec![],
        pending: 0,
        next: None,
    };
    loop {
        let Some(table) = tables.get(cursor.table) else { return Err(malformed().into()) };
        let after = cursor.after.as_deref();
        let stretch = rows::stretch(table, after, STRETCH)?;
        let sum = verified.tables.entry(table.name.to_owned()).or_default();
        let chunk = if let Some((operation, other)) = &pair {
            let status = replica::read_status(operation);
            let [view] = other.read([status]).await?;
            let watermark = view.first().map(replica::status).transpose()?.and_then(|status| status.record);
            let watermark = watermark.map_or(0, |record| record.watermark);
            let [found, named] = db.read([stretch, replica::captured_of(table, watermark)]).await?;
            let chunk = rows::chunk(cursor.table, found.first(), STRETCH)?;
            let pending = named.iter().map(|row| row.text("key")).collect::<Result<BTreeSet<_>, _>>()?;
            let until = if chunk.last { None } else { chunk.rows.last().map(|row| row.key.as_str()) };
            let theirs = other.all(rows::between(table, after, until)?).await?;
            let theirs = rows::rows(theirs.first())?;
            let (differences, equal) = compare(cursor.table, &chunk.rows, &theirs, &pending);
            equal.iter().for_each(|row| sum.add(&row.text));
            verified.pending += pending.len();
            verified.differences.extend(differences.iter().map(|found| Differing::of(found, &tables)));
            chunk
        } else {
            let found = db.all(stretch).await?;
            let chunk = rows::chunk(cursor.table, found.first(), STRETCH)?;
            chunk.rows.iter().for_each(|row| sum.add(&row.text));
            chunk
        };
        cursor = match chunk.rows.last() {
            Some(row) if !chunk.last => Cursor { table: cursor.table, after: Some(row.key.clone()) },
            _ => Cursor { table: cursor.table + 1, after: None },
        };
        if cursor.table >= end {
            return Ok(Json(verified));
        }
        // Others have their turn.
        call.platform().pause(Lifetime::milliseconds(1)).await;
        if call.platform().now().since(call.now) > VERIFYING {
            let next = json::write(&cursor)?;
            verified.next = Some(next);
            return Ok(Json(verified));
        }
    }
}

/// The database that a tenant has; and, while it moves, the operation and the other one.
///
/// # Errors
/// 409 for a tenant without a database.
pub async fn home(
    cx: &Operator,
    record: &TenantRecord,
    newest: Option<&Operation>,
) -> Result<(TenantDb, Option<(OperationId, TenantDb)>), Error<Refusal>> {
    let call = cx.call();
    let moving = newest.filter(|operation| operation.is(&MOVE) && !operation.is_over());
    let open = |database: &Database| reach(&call.shared.directory, &record.id, database, &call.meter);
    if let Some(operation) = moving.filter(|operation| operation.target.is_some()) {
        let found = cx.directory().all(directory::databases(&operation.id)).await?;
        let (mut kept, mut other) = (None, None);
        for row in &found {
            let database = read_database(row)?;
            let side = if operation.home.as_ref() == Some(&database.id) { &mut kept } else { &mut other };
            *side = Some(open(&database)?);
        }
        if let (Some(kept), Some(other)) = (kept, other) {
            return Ok((kept, Some((operation.id.clone(), other))));
        }
    }
    let held = record
        .database
        .as_ref()
        .ok_or_else(|| Refusal::conflict("illegal_state", "The tenant has no database"))?;
    Ok((open(&held.database)?, None))
}
