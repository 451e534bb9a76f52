//! Moves over the management API: asked for, looked at, steered, compared.

use super::{
    begin::{self, Hindrance},
    model::Place,
    rows::{Sum, compare, store as rows},
    store,
    wish::{NewMove, Wanted},
};
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    config::Placement,
    db::page::total,
    error::{Error, Fault},
    events::Change,
    http::{Json, Path, Query, Response, StatusCode, route::Routes},
    id::{OperationId, TenantId, random_text},
    json,
    operations::{
        engine::moving::{self, progress::Differing},
        model::{Kind, Operation, Record},
        shown, store as tenants,
    },
    tenant::{Status, TenantDb, store::Database},
    time::Lifetime,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Moves of a tenant, and what an operator does with one.
pub fn routes(r: &mut Routes) {
    r.post("/management/tenants/{id}/moves", scope("update:tenants"), start);
    r.get("/management/tenants/{id}/moves/plan", scope("read:tenants"), plan);
    r.get("/management/tenants/{id}/verify", scope("read:tenants"), verify);
    r.post("/management/operations/{id}/pause", scope("update:tenants"), pause);
    r.post("/management/operations/{id}/resume", scope("update:tenants"), resume);
    r.post("/management/operations/{id}/switch", scope("update:tenants"), switch);
    r.post("/management/operations/{id}/abort", scope("update:tenants"), abort);
    r.post("/management/operations/{id}/return", scope("update:tenants"), take_back);
    r.post("/management/operations/{id}/rollback", scope("update:tenants"), roll_back);
    r.post("/management/operations/{id}/finish", scope("update:tenants"), finish);
}

/// Begins a move: 202, and its operation says how far it is.
async fn start(
    cx: &Operator,
    (Path(id), Json(new)): (Path<String>, Json<NewMove>),
) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let tenant = TenantId::parse(&id).ok_or_else(|| refuse(&Hindrance::Inexistent))?;
    let operation = OperationId::new(format!("op_{}", random_text(call.platform(), 16)));
    let placement = new.placement();
    let begun =
        begin::begin(&call.shared, &operation, &tenant, new, cx.subject(), &call.meter, call.now).await?;
    let record = begun.map_err(|hindrance| refuse(&hindrance))?;
    let words = format!("Move the tenant {} to placement {}", record.id, placement.as_str());
    let change = Change::of(words, "tenant", &record.id)
        .member("placement", Some(&json!(record.placement.as_str())), Some(&json!(placement.as_str())))
        .added("operation", &operation);
    cx.note(&change).await?;
    let location = format!("/management/operations/{operation}");
    let body = shown_by(cx, &operation).await?;
    Ok(Response::json(StatusCode::ACCEPTED, &body).with("location", location))
}

/// Where a move would go.
#[derive(Deserialize)]
struct To {
    placement: Placement,
    region: Option<String>,
}

/// What a move would be: the rows, how long it might take and what it would cost, and what is in its way.
async fn plan(
    cx: &Operator,
    (Path(id), Query(to)): (Path<String>, Query<To>),
) -> Result<Json<Value>, Error<Refusal>> {
    let new = NewMove::to(to.placement, to.region);
    let call = cx.call();
    let record = found(cx, &id).await?;
    let mut blockers = Vec::new();
    let made = call.shared.config.cloudflare.is_some();
    let isolated = new.is_isolated();
    if let Err(hindrance) = begin::check(&call.shared, &record, new) {
        blockers.push(hindrance.words());
    }
    if isolated && !made {
        let row = cx.directory().all(tenants::count_free(&call.platform().bindings())).await?;
        if total(&row)? == 0 {
            blockers.push("The pool is empty and no API token is set".to_owned());
        }
    }
    let row = cx.directory().first(tenants::tenant(&record.id)).await?;
    if let Some((_, Some(operation))) = row.as_ref().map(tenants::read_tenant).transpose()?
        && !operation.is_over()
    {
        blockers.push(format!("The operation {} is not over yet", operation.id));
    }
    let (db, _) = home(cx, &record).await?;
    let mut counts = BTreeMap::new();
    for table in cx.call().shared.config.schema.moved() {
        let counted = db.all(rows::count(&table)).await?;
        counts.insert(table.name, total(&counted)?);
    }
    let all: i64 = counts.values().sum();
    Ok(Json(json!({
        "tenant_id": record.id,
        "rows": all,
        "tables": counts,
        "estimate": { "seconds": all / ROWS_PER_SECOND + 1, "rows_read": all * READS, "rows_written": all * WRITES,
                      "dollars": dollars(all) },
        "blockers": blockers,
    })))
}

/// Rows that are copied and compared in a second, cautiously.
const ROWS_PER_SECOND: i64 = 5_000;
/// A row is read to be counted, to be copied and, on both sides, to be compared.
const READS: i64 = 4;
/// A row is written with its indexes, and deleted with them on the side that is left.
const WRITES: i64 = 6;

/// What so many rows cost beyond what a plan includes: $0.001 for a million read, $1.00 for a million written (Cloudflare:
/// D1, pricing).
fn dollars(rows: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let millions = rows as f64 / 1_000_000.0;
    #[expect(clippy::cast_precision_loss, reason = "small constants")]
    let dollars = millions * (READS as f64 * 0.001 + WRITES as f64 * 1.0);
    (dollars * 100.0).ceil() / 100.0
}

/// Where a comparison goes on.
#[derive(Deserialize)]
struct From {
    /// `next` of the answer before; none for the beginning.
    from: Option<String>,
    /// One table; all of them if none is named.
    table: Option<String>,
}

/// What a part of a comparison found.
#[derive(Serialize)]
struct Verified {
    /// `compared` while the tenant has two databases, else `counted`.
    mode: &'static str,
    /// The tables that were looked at, in part or whole: rows found (and equal on both sides), and a hash that adds up.
    tables: BTreeMap<&'static str, Sum>,
    /// Rows that differ.
    differences: Vec<Differing>,
    /// Rows that have just changed and are still on their way to the other side.
    pending: usize,
    /// To be given as `from`, for the rest; none when this was the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// How long one request compares, and how many rows at once.
const VERIFYING: Lifetime = Lifetime::seconds(4);
const STRETCH: i64 = 500;

/// Compares every row and every column of the two databases of a tenant that moves, or counts and hashes the rows of one
/// that does not. A long comparison is taken up where the answer before ended.
async fn verify(
    cx: &Operator,
    (Path(id), Query(from)): (Path<String>, Query<From>),
) -> Result<Json<Verified>, Error<Refusal>> {
    let call = cx.call();
    let malformed = || Refusal::invalid_query("from must be `next` of an answer".to_owned());
    let mut place = match &from.from {
        None => Place::default(),
        Some(text) => json::accept::<Place>(text).map_err(|_| malformed())?,
    };
    let record = found(cx, &id).await?;
    let (db, pair) = home(cx, &record).await?;
    let tables = cx.call().shared.config.schema.moved();
    let mut end = tables.len();
    if let Some(name) = &from.table {
        let names: Vec<_> = tables.iter().map(|table| table.name).collect();
        let unknown = || Refusal::invalid_query(format!("table must be one of {}", names.join(", ")));
        let number = names.iter().position(|table| table == name).ok_or_else(unknown)?;
        place.table = place.table.max(number);
        end = number + 1;
    }
    let mode = if pair.is_some() { "compared" } else { "counted" };
    let mut verified =
        Verified { mode, tables: BTreeMap::new(), differences: vec![], pending: 0, next: None };
    loop {
        let Some(table) = tables.get(place.table) else { return Err(malformed().into()) };
        let after = place.after.as_deref();
        let stretch = rows::stretch(table, after, STRETCH)?;
        let sum = verified.tables.entry(table.name).or_default();
        let chunk = if let Some((operation, other)) = &pair {
            let look = store::look(operation);
            let [view] = other.read([look]).await?;
            let watermark = view.first().map(store::view).transpose()?.and_then(|view| view.record);
            let watermark = watermark.map_or(0, |record| record.watermark);
            let [found, named] = db.read([stretch, store::captured_of(table, watermark)]).await?;
            let chunk = rows::chunk(place.table, found.first(), STRETCH)?;
            let pending = named.iter().map(|row| row.text("key")).collect::<Result<BTreeSet<_>, _>>()?;
            let until = if chunk.last { None } else { chunk.rows.last().map(|row| row.key.as_str()) };
            let theirs = other.all(rows::between(table, after, until)?).await?;
            let theirs = rows::rows(theirs.first())?;
            let (differences, equal) = compare(place.table, &chunk.rows, &theirs, &pending);
            equal.iter().for_each(|row| sum.add(&row.text));
            verified.pending += pending.len();
            verified.differences.extend(differences.iter().map(|found| Differing::of(found, &tables)));
            chunk
        } else {
            let found = db.all(stretch).await?;
            let chunk = rows::chunk(place.table, found.first(), STRETCH)?;
            chunk.rows.iter().for_each(|row| sum.add(&row.text));
            chunk
        };
        place = match chunk.rows.last() {
            Some(row) if !chunk.last => Place { table: place.table, after: Some(row.key.clone()) },
            _ => Place { table: place.table + 1, after: None },
        };
        if place.table >= end {
            return Ok(Json(verified));
        }
        // Others have their turn.
        call.platform().pause(Lifetime::milliseconds(1)).await;
        if call.platform().now().since(call.now) > VERIFYING {
            let next = json::write(&place)?;
            verified.next = Some(next);
            return Ok(Json(verified));
        }
    }
}

async fn pause(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    hold(cx, id, true).await
}

async fn resume(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    hold(cx, id, false).await
}

async fn switch(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    let operation = live(cx, &id).await?;
    if operation.input.terms.as_ref().is_some_and(|terms| terms.rehearse) {
        return Err(Refusal::conflict("rehearsal", "A rehearsal does not switch").into());
    }
    if operation.has_arrived() {
        return Err(Refusal::conflict("already_switched", "The tenant has been switched already").into());
    }
    say(cx, &operation, Wanted::Target).await
}

async fn abort(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    let operation = live(cx, &id).await?;
    if operation.has_arrived() {
        let why = "The tenant has been switched already: roll the move back instead";
        return Err(Refusal::conflict("already_switched", why).into());
    }
    say(cx, &operation, Wanted::Source).await
}

/// Goes back for now: both databases stay in step, and `switch` works again.
async fn take_back(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    let operation = switched(cx, &id, ": nothing is to be taken back").await?;
    say(cx, &operation, Wanted::Return).await
}

async fn roll_back(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    let operation = switched(cx, &id, ": abort the move instead").await?;
    say(cx, &operation, Wanted::Source).await
}

async fn finish(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    let operation = switched(cx, &id, "").await?;
    say(cx, &operation, Wanted::Finish).await
}

/// A move that has arrived. `instead` ends the sentence that refuses another one.
async fn switched(cx: &Operator, id: &OperationId, instead: &str) -> Result<Operation, Error<Refusal>> {
    let operation = live(cx, id).await?;
    if operation.has_arrived() {
        return Ok(operation);
    }
    let why = format!("The tenant has not been switched yet{instead}");
    Err(Refusal::conflict("not_switched", why).into())
}

/// Says what is wanted, unless the end of the move has been said already, and has it gone on with.
async fn say(cx: &Operator, operation: &Operation, wanted: Wanted) -> Result<Json<Value>, Error<Refusal>> {
    let now = cx.call().now;
    let outcomes = cx.commit([moving::store::want(&operation.id, wanted, now)]).await?;
    if outcomes.first().is_none_or(|outcome| outcome.rows.is_empty()) {
        return Err(Refusal::conflict("move_is_ending", "How the move ends has been decided already").into());
    }
    steered(cx, &operation.id, wanted.as_str()).await
}

async fn hold(cx: &Operator, id: OperationId, held: bool) -> Result<Json<Value>, Error<Refusal>> {
    let operation = live(cx, &id).await?;
    cx.commit([moving::store::hold(&operation.id, held, cx.call().now)]).await?;
    steered(cx, &id, if held { "pause" } else { "resume" }).await
}

/// Writes down what an operator said, and has the alarm clock ring.
async fn steered(cx: &Operator, id: &OperationId, what: &str) -> Result<Json<Value>, Error<Refusal>> {
    cx.note(&Change::of(format!("Move {id}: {what}"), "operation", id).added("wanted", &what)).await?;
    cx.call().platform().wake(id, cx.call().now).await?;
    Ok(Json(shown_by(cx, id).await?))
}

async fn shown_by(cx: &Operator, id: &OperationId) -> Result<Value, Error<Refusal>> {
    let row = cx.directory().first(tenants::operation(id)).await?;
    let row = row.ok_or_else(|| Fault::internal("the operation is gone"))?;
    Ok(json!(shown::operation(&tenants::read_operation(&row)?)))
}

/// A move that is not over.
async fn live(cx: &Operator, id: &OperationId) -> Result<Operation, Error<Refusal>> {
    let row = cx.directory().first(tenants::operation(id)).await?;
    let row = row.ok_or_else(|| Refusal::not_found("inexistent_operation", "There is no such operation"))?;
    let operation = tenants::read_operation(&row)?;
    if operation.kind != Kind::Move {
        return Err(Refusal::conflict("not_a_move", "Only a move can be steered").into());
    }
    if operation.is_over() {
        return Err(Refusal::conflict("operation_over", "The operation is over").into());
    }
    Ok(operation)
}

/// A tenant that is there.
async fn found(cx: &Operator, id: &str) -> Result<Record, Error<Refusal>> {
    let inexistent = || Refusal::not_found("inexistent_tenant", "The tenant does not exist");
    let id = TenantId::parse(id).ok_or_else(inexistent)?;
    let row = cx.directory().first(tenants::tenant(&id)).await?.ok_or_else(inexistent)?;
    let (record, _) = tenants::read_tenant(&row)?;
    if record.status == Status::Deleted { Err(inexistent().into()) } else { Ok(record) }
}

fn refuse(hindrance: &Hindrance) -> Refusal {
    let words = hindrance.words();
    match hindrance {
        Hindrance::Inexistent => Refusal::not_found("inexistent_tenant", words),
        Hindrance::Main => Refusal::forbidden("main_tenant", words),
        Hindrance::State(_) => Refusal::conflict("illegal_state", words),
        Hindrance::Terms(_) => Refusal::invalid_body(words),
        Hindrance::Busy => Refusal::conflict("operation_in_progress", words),
    }
}

/// The database that a tenant has; and, while it moves, the operation and the other one.
async fn home(
    cx: &Operator,
    record: &Record,
) -> Result<(TenantDb, Option<(OperationId, TenantDb)>), Error<Refusal>> {
    let call = cx.call();
    let row = cx.directory().first(tenants::tenant(&record.id)).await?;
    let operation = row.as_ref().map(tenants::read_tenant).transpose()?.and_then(|(_, operation)| operation);
    let moving = operation.filter(|operation| operation.kind == Kind::Move && !operation.is_over());
    let open = |database: &Database| moving::reach(&call.shared.directory, &record.id, database, &call.meter);
    if let Some(operation) = moving.filter(|operation| operation.target.is_some()) {
        let found = cx.directory().all(moving::store::databases(&operation.id)).await?;
        let (mut kept, mut other) = (None, None);
        for row in &found {
            let database = tenants::read_database(row)?;
            let side = if operation.home.as_ref() == Some(&database.id) { &mut kept } else { &mut other };
            *side = Some(open(&database)?);
        }
        if let (Some(kept), Some(other)) = (kept, other) {
            return Ok((kept, Some((operation.id, other))));
        }
    }
    let held = record
        .database
        .as_ref()
        .ok_or_else(|| Refusal::conflict("illegal_state", "The tenant has no database"))?;
    Ok((open(&held.database)?, None))
}
