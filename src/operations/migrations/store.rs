//! SQL of migrations.

use super::model::{Migration, MigrationSpec, Status, To};
use crate::{
    config::Placement,
    db::{Query, Row, Statement, page::Window, read, write},
    error::Fault,
    id::{OperationId, TenantId},
    json,
    tenant::InDirectory,
    time::Timestamp,
};

/// Enters a migration.
///
/// # Errors
/// A fault if the terms do not serialize.
pub fn insert(
    id: &str,
    wanted: &MigrationSpec,
    by: &str,
    now: Timestamp,
) -> Result<Statement<InDirectory>, Fault> {
    let terms = json::write(&wanted.to)?;
    Ok(write(
        "insert into migrations (id, status, terms, parallelism, stop_on_failure, initiated_by, created_at, updated_at)
         values (?1, 'running', ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(id)
    .bind(terms)
    .bind(wanted.parallelism)
    .bind(wanted.stop_on_failure)
    .bind(by)
    .bind(now))
}

/// Enters its tenants, in this order (JSON array of ids).
pub fn insert_these(id: &str, tenants: &[TenantId], now: Timestamp) -> Statement<InDirectory> {
    let tenants: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
    write(
        "insert into migration_tenants (migration_id, position, tenant_id, status, updated_at)
         select ?1, key + 1, value, 'waiting', ?3 from json_each(?2)",
    )
    .bind(id)
    .bind(&serde_json::json!(tenants))
    .bind(now)
}

/// Enters all tenants that do not live there yet, in the order of their ids.
pub fn insert_all(id: &str, to: Placement, main: &TenantId, now: Timestamp) -> Statement<InDirectory> {
    write(
        "insert into migration_tenants (migration_id, position, tenant_id, status, updated_at)
         select ?1, row_number() over (order by id), id, 'waiting', ?4 from tenants /* all rows: that is what is asked */
         where placement <> ?2 and id <> ?3 and status not in ('provisioning', 'failed', 'deleting', 'deleted')",
    )
    .bind(id)
    .bind(to.as_str())
    .bind(main)
    .bind(now)
}

macro_rules! migrations {
    ($rest:literal) => {
        concat!(
            "select m.id, m.status, m.terms, m.parallelism, m.stop_on_failure, m.initiated_by, m.created_at, m.updated_at,
                    m.finished_at,
                    (select count(*) from migration_tenants where migration_id = m.id and status = 'waiting') as waiting,
                    (select count(*) from migration_tenants where migration_id = m.id and status = 'moving') as moving,
                    (select count(*) from migration_tenants where migration_id = m.id and status = 'moved') as moved,
                    (select count(*) from migration_tenants where migration_id = m.id and status = 'failed') as failed
             from migrations m ",
            $rest
        )
    };
}

/// A migration.
pub fn by_id(id: &str) -> Query<InDirectory> {
    read(migrations!("where m.id = ?1")).bind(id)
}

/// A page of them, the newest first.
pub fn list(window: Window) -> Query<InDirectory> {
    read(migrations!("order by m.created_at desc limit ?1 offset ?2")).bind(window.size).bind(window.start)
}

/// How many there have been, as `total`.
pub fn count() -> Query<InDirectory> {
    read("select count(*) as total from migrations")
}

/// Reads a row of [`by_id`] or [`list`].
///
/// # Errors
/// A fault if it holds what the schema does not allow.
pub fn migration(row: &Row) -> Result<Migration, Fault> {
    let status = Status::parse(&row.text("status")?);
    let to: To = row.json("terms")?;
    Ok(Migration {
        id: row.text("id")?,
        status: status.ok_or_else(|| Fault::internal("a migration has an unknown status"))?,
        wanted: MigrationSpec {
            to,
            parallelism: row.int("parallelism")?,
            stop_on_failure: row.flag("stop_on_failure")?,
        },
        initiated_by: row.text("initiated_by")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.optional_time("finished_at")?,
        counts: [row.int("waiting")?, row.int("moving")?, row.int("moved")?, row.int("failed")?],
    })
}

/// A page of its tenants in a state, or in any, in order; with the operation that moves each.
pub fn tenants_of(id: &str, status: Option<&str>, window: Window) -> Query<InDirectory> {
    read(
        "select position, tenant_id, status, operation_id, error, updated_at from migration_tenants
         where migration_id = ?1 and (?2 is null or status = ?2) order by position limit ?3 offset ?4",
    )
    .bind(id)
    .bind(status)
    .bind(window.size)
    .bind(window.start)
}

/// Its tenants that move, with what is known of each move.
pub fn moving(id: &str, limit: i64) -> Query<InDirectory> {
    read(
        "select n.position, n.tenant_id, n.operation_id, o.status, o.attempt, o.error, o.held, o.switched_at, o.progress,
                o.step, o.wanted
         from migration_tenants n left join operations o on o.id = n.operation_id
         where n.migration_id = ?1 and n.status = 'moving' order by n.position limit ?2",
    )
    .bind(id)
    .bind(limit)
}

/// Takes the next tenants that wait, as many as fit beside those that move, and gives each move its id (JSON array).
/// Returns `position`, `tenant_id` and `operation_id`.
pub fn take(
    id: &str,
    parallelism: i64,
    operations: &[OperationId],
    now: Timestamp,
) -> Vec<Statement<InDirectory>> {
    let one = |operation: &OperationId| {
        write(
            "update migration_tenants set status = 'moving', operation_id = ?2, updated_at = ?3
             where migration_id = ?1 and position = (
               select min(position) from migration_tenants where migration_id = ?1 and status = 'waiting')
             and (select status from migrations where id = ?1) = 'running'
             and (select count(*) from migration_tenants where migration_id = ?1 and status = 'moving') < ?4
             returning position, tenant_id, operation_id",
        )
        .bind(id)
        .bind(operation)
        .bind(now)
        .bind(parallelism)
    };
    operations.iter().map(one).collect()
}

/// What came of a tenant's move, if it still counted as moving.
pub fn settle(
    id: &str,
    position: i64,
    status: &str,
    error: Option<&str>,
    now: Timestamp,
) -> Statement<InDirectory> {
    write(
        "update migration_tenants set status = ?3, error = ?4, updated_at = ?5
         where migration_id = ?1 and position = ?2 and status = 'moving'",
    )
    .bind(id)
    .bind(position)
    .bind(status)
    .bind(error)
    .bind(now)
}

/// Brings a migration into a state, from one of those.
pub fn set_status(id: &str, from: &[Status], to: Status, now: Timestamp) -> Statement<InDirectory> {
    let from: Vec<&str> = from.iter().map(|status| status.as_str()).collect();
    let over = matches!(to, Status::Succeeded | Status::Failed).then_some(now);
    write(
        "update migrations set status = ?3, updated_at = ?4, finished_at = ?5
         where id = ?1 and status in (select value from json_each(?2)) returning id",
    )
    .bind(id)
    .bind(&serde_json::json!(from))
    .bind(to.as_str())
    .bind(now)
    .bind(over)
}

/// Has those that failed wait for another turn; one whose move is only held goes on with it.
pub fn again(id: &str, now: Timestamp) -> [Statement<InDirectory>; 2] {
    [
        write(
            "update operations set held = 0, attempt = 0, run_at = ?2 where kind = 'move' and status in ('pending', 'running')
             and id in (select operation_id from migration_tenants where migration_id = ?1 and status = 'failed')",
        )
        .bind(id)
        .bind(now),
        write(
            "update migration_tenants set error = null, updated_at = ?2, status = case when exists (
               select 1 from operations o where o.id = migration_tenants.operation_id and o.status in ('pending', 'running'))
               then 'moving' else 'waiting' end
             where migration_id = ?1 and status = 'failed'",
        )
        .bind(id)
        .bind(now),
    ]
}

/// Migrations that somebody must go on with.
pub fn running(limit: i64) -> Query<InDirectory> {
    read("select id from migrations where status = 'running' order by created_at limit ?1").bind(limit)
}
