//! SQL of the directory for operations and their events.

use super::{
    model::{Operation, Order, Progress},
    procedure::{Procedures, Situation, Step},
    subject::{AssignedDatabase, TenantRecord, known},
};
use crate::{
    db::{Query, Row, Statement, page::Window, read, write},
    error::Fault,
    id::{OperationId, TenantId},
    json,
    tenant::{InDirectory, Status, store::STATUS},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};

/// How long an operation belongs to the instance that took it up, or last went on with it.
pub const LEASE: Lifetime = Lifetime::seconds(60);

/// A query of tenants `t`, each with an operation `o` if it has one, with the databases of both: `from` joins those two, and
/// `rest` says which.
pub fn select(from: &str, rest: &str) -> Query<InDirectory> {
    read(format!(
        "select t.id as tenant_id, t.friendly_name, {STATUS} as tenant_status, t.placement, t.region, t.epoch,
                t.organization_id, t.created_at as tenant_created_at, t.updated_at as tenant_updated_at, t.deleted_at,
                t.database_id as home_id, d.id as database_id, d.name as database_name, d.binding as database_binding,
                d.uuid as database_uuid, d.kind as database_kind, d.schema_version as database_schema_version,
                x.id as other_id, x.name as other_name, x.binding as other_binding, x.uuid as other_uuid,
                x.kind as other_kind, x.schema_version as other_schema_version,
                o.id, o.kind, o.target_id, o.status, o.step, o.attempt, o.input, o.state, o.error, o.initiated_by,
                o.lease_until, o.run_at, o.created_at, o.updated_at, o.finished_at,
                (select coalesce(max(sequence), 0) from operation_events where operation_id = o.id) as sequence
         from {from} left join databases d on d.id = t.database_id
         left join databases x on x.id = case when o.target_id = t.database_id then o.source_id else o.target_id end
         {rest}"
    ))
}

const OPERATIONS: &str = "operations o join tenants t on t.id = o.tenant_id";

/// An operation, with its tenant.
pub fn operation(id: &OperationId) -> Query<InDirectory> {
    select(OPERATIONS, "where o.id = ?1").bind(id)
}

/// A page of the operations of a tenant, newest first.
pub fn operations_of(tenant: &TenantId, window: Window) -> Query<InDirectory> {
    select(OPERATIONS, "where o.tenant_id = ?1 order by o.created_at desc, o.id desc limit ?2 offset ?3")
        .bind(tenant)
        .bind(window.size)
        .bind(window.start)
}

/// How many operations a tenant has had, as `total`.
pub fn count_operations_of(tenant: &TenantId) -> Query<InDirectory> {
    read("select count(*) as total from operations where tenant_id = ?1").bind(tenant)
}

/// What happened to an operation, in order.
pub fn events_of(id: &OperationId) -> Query<InDirectory> {
    read(
        "select sequence, step, outcome, attempt, detail, created_at from operation_events
         where operation_id = ?1 order by sequence",
    )
    .bind(id)
}

/// How far it is, as `progress`, and what has been said of it.
pub fn progress(id: &OperationId) -> Query<InDirectory> {
    read("select progress, held, wanted, switched_at from operations where id = ?1").bind(id)
}

/// Remembers how far it is, in the words of its procedure, for whoever looks or goes on.
pub fn set_progress(id: &OperationId, progress: &str) -> Statement<InDirectory> {
    write("update operations set progress = ?2 where id = ?1").bind(id).bind(progress)
}

/// What the steps so far have decided.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    #[serde(rename = "gave_up", skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl State {
    fn text(operation: &Operation) -> Result<String, Fault> {
        json::write(&Self { failure: operation.failure.clone() })
    }
}

/// Reads an operation from a row of [`select`].
///
/// # Errors
/// A fault if the row holds what this release does not know.
pub fn read_operation(row: &Row, procedures: &Procedures) -> Result<Operation, Fault> {
    let kind = row.text("kind")?;
    let procedure = procedures.iter().copied().find(|procedure| procedure.name == kind);
    let procedure = known("kind", procedure)?;
    let State { failure } = row.json("state")?;
    let step = known("step", procedure.step(&row.text("step")?, failure.is_some()))?;
    let mut operation = Operation {
        id: OperationId::new(row.text("id")?),
        tenant: TenantRecord::read(row)?,
        procedure,
        home: row.optional_text("home_id")?,
        target: row.optional_text("target_id")?,
        status: known("status", Progress::parse(&row.text("status")?))?,
        step,
        attempt: row.int("attempt")?,
        input: row.text("input")?,
        failure,
        error: row.optional_text("error")?,
        initiated_by: row.text("initiated_by")?,
        lease_until: row.optional_time("lease_until")?,
        run_at: row.time("run_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.optional_time("finished_at")?,
        sequence: row.int("sequence")?,
    };
    // The database that the tenant is to change to, before and after it has; then the one that it does not live in.
    let is_about_other = operation.target.is_some()
        && !operation.is_over()
        && (step.is_about_other || !operation.has_arrived());
    let prefix = if is_about_other { "other_" } else { "database_" };
    operation.tenant.database = AssignedDatabase::read(row, prefix)?;
    Ok(operation)
}

/// Reads a tenant, with the database that it has, from a row of [`select`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn read_tenant(row: &Row) -> Result<TenantRecord, Fault> {
    Ok(TenantRecord { database: AssignedDatabase::read(row, "database_")?, ..TenantRecord::read(row)? })
}

/// Reads the operation of such a row, if it has one.
///
/// # Errors
/// As [`read_operation`].
pub fn read_newest(row: &Row, procedures: &Procedures) -> Result<Option<Operation>, Fault> {
    row.optional_text("id")?.map(|_| read_operation(row, procedures)).transpose()
}

/// Begins an operation, already leased to `holder`, if the statement before it in the batch has just brought the tenant
/// into `status`; with its first event. A second operation of a tenant is refused by the index `operations_live`.
///
/// # Errors
/// A fault if the procedure has no two steps.
pub fn begin(
    order: &Order,
    status: Status,
    holder: &str,
    now: Timestamp,
) -> Result<[Statement<InDirectory>; 2], Fault> {
    let situation = Situation { placement: order.placement, origin: None, has_target: false };
    let plan = order.procedure.plan(false, situation);
    let [done, next, ..] = plan.as_slice() else { return Err(Fault::internal("a procedure has two steps")) };
    Ok([
        write(
            "insert into operations (id, tenant_id, kind, status, step, input, initiated_by, lease_holder, lease_until,
                                     run_at, created_at, updated_at, source_id)
             select ?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?9, case when ?11 then database_id end
             from tenants where id = ?2 and status = ?10 and updated_at = ?9",
        )
        .bind(&order.id)
        .bind(&order.tenant)
        .bind(order.procedure.name)
        .bind(next.name)
        .bind(order.input.as_str())
        .bind(order.initiated_by.as_str())
        .bind(holder)
        .bind(now.plus(LEASE))
        .bind(now)
        .bind(status.stored())
        .bind(order.procedure.changes_database),
        write(
            "insert into operation_events (operation_id, sequence, step, outcome, attempt, created_at)
             select id, 1, ?2, 'succeeded', 1, ?3 from operations where id = ?1",
        )
        .bind(&order.id)
        .bind(done.name)
        .bind(now),
    ])
}

/// Takes an operation up, if it is due and nobody works on it. Returns its id, or nothing.
pub fn acquire_lease(id: &OperationId, holder: &str, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update operations set status = 'running', lease_holder = ?2, lease_until = ?3
         where id = ?1 and status in ('pending', 'running') and run_at <= ?4
         and (lease_until is null or lease_until <= ?4) returning id",
    )
    .bind(id)
    .bind(holder)
    .bind(now.plus(LEASE))
    .bind(now)
}

/// Puts an operation down until `at`, if `holder` still has it: nothing went wrong, there is only more to do.
pub fn release_lease(
    id: &OperationId,
    holder: &str,
    at: Timestamp,
    why: Option<&str>,
) -> Statement<InDirectory> {
    write(
        "update operations set lease_holder = null, lease_until = null, run_at = ?3, error = ?4
         where id = ?1 and lease_holder = ?2",
    )
    .bind(id)
    .bind(holder)
    .bind(at)
    .bind(why)
}

/// What happened, for the history.
pub struct Event<'a> {
    /// Its place in it.
    pub sequence: i64,
    /// The step.
    pub step: &'static Step,
    /// `succeeded`, `skipped`, `retried` or `failed`.
    pub outcome: &'static str,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// More, for the operator.
    pub detail: Option<&'a str>,
}

/// The column that refuses a whole batch when somebody else has the operation by now: its sequence would be null without
/// the lease, and is taken if another has gone on.
pub const GUARD: &str = "operation_events.sequence";

/// Adds an event, if `holder` still has the operation and nobody has gone on with it; else the batch fails with [`GUARD`].
pub fn record(id: &OperationId, event: &Event<'_>, holder: &str, now: Timestamp) -> Statement<InDirectory> {
    write(
        "insert into operation_events (operation_id, sequence, step, outcome, attempt, detail, created_at)
         values (?1, (select ?2 from operations where id = ?1 and lease_holder = ?8), ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(id)
    .bind(event.sequence)
    .bind(event.step.name)
    .bind(event.outcome)
    .bind(event.attempt)
    .bind(event.detail)
    .bind(now)
    .bind(holder)
}

/// Goes on to the next step, still leased.
///
/// # Errors
/// A fault if the state does not serialize.
pub fn go_on(operation: &Operation, next: &Step, now: Timestamp) -> Result<Statement<InDirectory>, Fault> {
    Ok(write(
        "update operations set step = ?2, state = ?3, attempt = 0, error = null, lease_until = ?4, run_at = ?5,
           updated_at = ?5 where id = ?1",
    )
    .bind(&operation.id)
    .bind(next.name)
    .bind(State::text(operation)?)
    .bind(now.plus(LEASE))
    .bind(now))
}

/// Releases an operation after a failed attempt, until `at`.
///
/// # Errors
/// A fault if the state does not serialize.
pub fn try_again(
    operation: &Operation,
    (step, attempt): (&Step, i64),
    error: &str,
    at: Timestamp,
    now: Timestamp,
) -> Result<Statement<InDirectory>, Fault> {
    Ok(write(
        "update operations set step = ?2, state = ?3, attempt = ?4, error = ?5, run_at = ?6, lease_holder = null,
           lease_until = null, updated_at = ?7 where id = ?1",
    )
    .bind(&operation.id)
    .bind(step.name)
    .bind(State::text(operation)?)
    .bind(attempt)
    .bind(error)
    .bind(at)
    .bind(now))
}

/// Ends an operation.
pub fn finish(
    id: &OperationId,
    last: &Step,
    status: Progress,
    error: Option<&str>,
    now: Timestamp,
) -> Statement<InDirectory> {
    write(
        "update operations set status = ?2, step = ?3, attempt = 0, error = ?4, lease_holder = null, lease_until = null,
           updated_at = ?5, finished_at = ?5 where id = ?1",
    )
    .bind(id)
    .bind(status.as_str())
    .bind(last.name)
    .bind(error)
    .bind(now)
}

/// The operations that somebody must go on with, those that have waited longest first.
pub fn due(now: Timestamp, limit: i64) -> Query<InDirectory> {
    read(
        "select id from operations where status in ('pending', 'running') and run_at <= ?1
         and (lease_until is null or lease_until <= ?1) order by run_at limit ?2",
    )
    .bind(now)
    .bind(limit)
}
