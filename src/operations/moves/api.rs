//! Moves over the management API: asked for, looked at, steered, compared.

use super::{
    MOVE,
    begin::{self, BeginError, Hindrance},
    goal::{Command, Move, NewMove},
    store::{directory as store, rows},
    verify::{home, verify},
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
    operations::{
        PROCEDURES,
        engine::{
            model::Operation,
            store::{operation, read_operation},
            view::OperationView,
        },
        tenants::{self, databases},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

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
    let tenant = TenantId::parse(&id).ok_or_else(|| refuse(&Hindrance::NotFound))?;
    let operation = OperationId::new(format!("op_{}", random_text(call.platform(), 16)));
    let placement = new.placement();
    let begun =
        begin::begin(&call.shared, &operation, &tenant, new, cx.subject(), &call.meter, call.now).await;
    let record = begun.map_err(|error| match error {
        BeginError::Hindered(hindrance) => Error::from(refuse(&hindrance)),
        BeginError::Fault(fault) => fault.into(),
    })?;
    let words = format!("Move the tenant {} to placement {}", record.id, placement.as_str());
    let change = Change::of(words, "tenant", &record.id)
        .member("placement", Some(&json!(record.placement.as_str())), Some(&json!(placement.as_str())))
        .added("operation", &operation);
    cx.note(&change).await?;
    let location = format!("/management/operations/{operation}");
    let body = json!(view(cx, &operation).await?);
    Ok(Response::json(StatusCode::ACCEPTED, &body).with("location", location))
}

/// Where a move would go.
#[derive(Deserialize)]
struct To {
    placement: Placement,
    region: Option<String>,
}

/// What a move would be.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanView {
    /// The tenant.
    pub tenant_id: String,
    /// Rows of the tenant.
    pub rows: i64,
    /// Those of each table.
    pub tables: BTreeMap<String, i64>,
    /// What it might take.
    pub estimate: Estimate,
    /// What is in its way, in words.
    pub blockers: Vec<String>,
}

/// What a move might take.
#[derive(Debug, Serialize, Deserialize)]
pub struct Estimate {
    /// Time.
    pub seconds: i64,
    /// Rows read in both databases.
    pub rows_read: i64,
    /// Rows written, with their indexes, and deleted in the end.
    pub rows_written: i64,
    /// What that costs beyond what a plan includes.
    pub dollars: f64,
}

/// The rows of a move, how long it might take and what it would cost, and what is in its way.
async fn plan(
    cx: &Operator,
    (Path(id), Query(to)): (Path<String>, Query<To>),
) -> Result<Json<PlanView>, Error<Refusal>> {
    let new = NewMove::to(to.placement, to.region);
    let call = cx.call();
    let (record, newest) = tenants::api::by_id(cx, &id).await?;
    let mut blockers = Vec::new();
    let made = call.shared.config.cloudflare.is_some();
    let isolated = new.is_isolated();
    if let Err(hindrance) = begin::check(&call.shared, &record, new) {
        blockers.push(hindrance.words());
    }
    if isolated && !made {
        let row = cx.directory().all(databases::store::count_free(&call.platform().bindings())).await?;
        if total(&row)? == 0 {
            blockers.push("The pool is empty and no API token is set".to_owned());
        }
    }
    if let Some(operation) = newest.as_ref().filter(|operation| !operation.is_over()) {
        blockers.push(format!("The operation {} is not over yet", operation.id));
    }
    let (db, _) = home(cx, &record, newest.as_ref()).await?;
    let mut tables = BTreeMap::new();
    for table in cx.call().shared.config.schema.moved() {
        let counted = db.all(rows::count(&table)).await?;
        tables.insert(table.name.to_owned(), total(&counted)?);
    }
    let rows: i64 = tables.values().sum();
    let estimate = Estimate {
        seconds: rows / ROWS_PER_SECOND + 1,
        rows_read: rows * READS,
        rows_written: rows * WRITES,
        dollars: dollars(rows),
    };
    Ok(Json(PlanView { tenant_id: record.id.to_string(), rows, tables, estimate, blockers }))
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

async fn pause(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<OperationView>, Error<Refusal>> {
    hold(cx, id, true).await
}

async fn resume(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<OperationView>, Error<Refusal>> {
    hold(cx, id, false).await
}

async fn switch(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<OperationView>, Error<Refusal>> {
    let operation = live(cx, &id).await?;
    let Move { terms } = operation.require()?;
    if terms.rehearse {
        return Err(Refusal::conflict("rehearsal", "A rehearsal does not switch").into());
    }
    if operation.has_arrived() {
        return Err(Refusal::conflict("already_switched", "The tenant has been switched already").into());
    }
    send_command(cx, &operation, Command::Target).await
}

async fn abort(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<OperationView>, Error<Refusal>> {
    let operation = live(cx, &id).await?;
    if operation.has_arrived() {
        let why = "The tenant has been switched already: roll the move back instead";
        return Err(Refusal::conflict("already_switched", why).into());
    }
    send_command(cx, &operation, Command::Source).await
}

/// Goes back for now: both databases stay in step, and `switch` works again.
async fn take_back(
    cx: &Operator,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationView>, Error<Refusal>> {
    let operation = switched(cx, &id, ": nothing is to be taken back").await?;
    send_command(cx, &operation, Command::Return).await
}

async fn roll_back(
    cx: &Operator,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationView>, Error<Refusal>> {
    let operation = switched(cx, &id, ": abort the move instead").await?;
    send_command(cx, &operation, Command::Source).await
}

async fn finish(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<OperationView>, Error<Refusal>> {
    let operation = switched(cx, &id, "").await?;
    send_command(cx, &operation, Command::Finish).await
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
async fn send_command(
    cx: &Operator,
    operation: &Operation,
    command: Command,
) -> Result<Json<OperationView>, Error<Refusal>> {
    let now = cx.call().now;
    let outcomes = cx.commit([store::send_command(&operation.id, command, now)]).await?;
    if outcomes.first().is_none_or(|outcome| outcome.rows.is_empty()) {
        return Err(Refusal::conflict("move_is_ending", "How the move ends has been decided already").into());
    }
    notify(cx, &operation.id, command.as_str()).await
}

async fn hold(cx: &Operator, id: OperationId, held: bool) -> Result<Json<OperationView>, Error<Refusal>> {
    let operation = live(cx, &id).await?;
    cx.commit([store::hold(&operation.id, held, cx.call().now)]).await?;
    notify(cx, &id, if held { "pause" } else { "resume" }).await
}

/// Writes down what an operator said, and has the alarm clock ring.
async fn notify(cx: &Operator, id: &OperationId, what: &str) -> Result<Json<OperationView>, Error<Refusal>> {
    cx.note(&Change::of(format!("Move {id}: {what}"), "operation", id).added("wanted", &what)).await?;
    cx.call().platform().wake(id, cx.call().now).await?;
    Ok(Json(view(cx, id).await?))
}

async fn view(cx: &Operator, id: &OperationId) -> Result<OperationView, Error<Refusal>> {
    let row = cx.directory().first(operation(id)).await?;
    let row = row.ok_or_else(|| Fault::internal("the operation is gone"))?;
    Ok(OperationView::of(&read_operation(&row, &PROCEDURES)?)?)
}

/// A move that is not over.
async fn live(cx: &Operator, id: &OperationId) -> Result<Operation, Error<Refusal>> {
    let row = cx.directory().first(operation(id)).await?;
    let row = row.ok_or_else(|| Refusal::not_found("inexistent_operation", "There is no such operation"))?;
    let operation = read_operation(&row, &PROCEDURES)?;
    if !operation.is(&MOVE) {
        return Err(Refusal::conflict("not_a_move", "Only a move can be steered").into());
    }
    if operation.is_over() {
        return Err(Refusal::conflict("operation_over", "The operation is over").into());
    }
    Ok(operation)
}

fn refuse(hindrance: &Hindrance) -> Refusal {
    let words = hindrance.words();
    match hindrance {
        Hindrance::NotFound => Refusal::not_found("inexistent_tenant", words),
        Hindrance::Main => Refusal::forbidden("main_tenant", words),
        Hindrance::State(_) => Refusal::conflict("illegal_state", words),
        Hindrance::Terms(_) => Refusal::invalid_body(words),
        Hindrance::Busy => Refusal::conflict("operation_in_progress", words),
    }
}
