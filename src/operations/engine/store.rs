//! SQL of the directory for operations and their events.

use crate::{
    db::{Query, Statement, read, write},
    error::Fault,
    id::OperationId,
    json,
    operations::{
        model::{Operation, Order, Progress, State},
        plan::{self, Step},
    },
    tenant::{InDirectory, Status},
    time::{Lifetime, Timestamp},
};
use serde::Serialize;

/// How long an operation belongs to the instance that took it up, or last went on with it.
pub const LEASE: Lifetime = Lifetime::seconds(60);

/// Begins an operation, already leased to `holder`, if the statement before it in the batch has just brought the tenant
/// into `status`; with its first event. A second operation of a tenant is refused by the index `operations_live`.
///
/// # Errors
/// A fault if the input does not serialize.
pub fn begin(
    order: &Order,
    status: Status,
    holder: &str,
    now: Timestamp,
) -> Result<[Statement<InDirectory>; 2], Fault> {
    let [done, next] = plan::first(order.kind, order.placement);
    Ok([
        write(
            "insert into operations (id, tenant_id, kind, status, step, input, initiated_by, lease_holder, lease_until,
                                     run_at, created_at, updated_at, source_id)
             select ?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?9, case when ?3 = 'move' then database_id end
             from tenants
             where id = ?2 and status = case ?10 when 'staging' then 'active' else ?10 end and updated_at = ?9",
        )
        .bind(&order.id)
        .bind(&order.tenant)
        .bind(order.kind.as_str())
        .bind(next.as_str())
        .bind(json(&order.input)?)
        .bind(order.initiated_by.as_str())
        .bind(holder)
        .bind(now.plus(LEASE))
        .bind(now)
        .bind(status.as_str()),
        write(
            "insert into operation_events (operation_id, sequence, step, outcome, attempt, created_at)
             select id, 1, ?2, 'succeeded', 1, ?3 from operations where id = ?1",
        )
        .bind(&order.id)
        .bind(done.as_str())
        .bind(now),
    ])
}

/// Takes an operation up, if it is due and nobody works on it. Returns its id, or nothing.
pub fn take_up(id: &OperationId, holder: &str, now: Timestamp) -> Statement<InDirectory> {
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
pub fn put_down(id: &OperationId, holder: &str, at: Timestamp, why: Option<&str>) -> Statement<InDirectory> {
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
    pub step: Step,
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
    .bind(event.step.as_str())
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
pub fn go_on(
    id: &OperationId,
    next: Step,
    state: &State,
    now: Timestamp,
) -> Result<Statement<InDirectory>, Fault> {
    Ok(write(
        "update operations set step = ?2, state = ?3, attempt = 0, error = null, lease_until = ?4, run_at = ?5,
           updated_at = ?5 where id = ?1",
    )
    .bind(id)
    .bind(next.as_str())
    .bind(json(state)?)
    .bind(now.plus(LEASE))
    .bind(now))
}

/// Puts an operation down after a failed attempt, until `at`.
///
/// # Errors
/// A fault if the state does not serialize.
pub fn try_again(
    operation: &Operation,
    step: Step,
    attempt: i64,
    error: &str,
    at: Timestamp,
    now: Timestamp,
) -> Result<Statement<InDirectory>, Fault> {
    Ok(write(
        "update operations set step = ?2, state = ?3, attempt = ?4, error = ?5, run_at = ?6, lease_holder = null,
           lease_until = null, updated_at = ?7 where id = ?1",
    )
    .bind(&operation.id)
    .bind(step.as_str())
    .bind(json(&operation.state)?)
    .bind(attempt)
    .bind(error)
    .bind(at)
    .bind(now))
}

/// Ends an operation.
pub fn finish(
    id: &OperationId,
    last: Step,
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
    .bind(last.as_str())
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

fn json(value: &impl Serialize) -> Result<String, Fault> {
    json::write(value)
}
