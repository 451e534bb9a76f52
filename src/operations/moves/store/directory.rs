//! SQL of the directory for moves.

use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::{OperationId, TenantId},
    operations::{
        engine::model::Operation,
        moves::{
            goal::{Command, MoveRow, Terms},
            model::Side,
        },
        tenants::databases::store as databases,
    },
    tenant::{InDirectory, store::Database},
    time::Timestamp,
};

/// Opens the next epoch of a tenant whose move begins, so that each move has one of its own. It stays where it is.
pub fn open_epoch(tenant: &TenantId, generation: i64, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update tenants set epoch = ?2, updated_at = ?3
         where id = ?1 and epoch = ?2 - 1 and status not in ('provisioning', 'failed', 'deleting', 'deleted')",
    )
    .bind(tenant)
    .bind(generation)
    .bind(now)
}

/// Has the tenant moved to the shared database.
pub fn target_shared(id: &OperationId) -> Statement<InDirectory> {
    write("update operations set target_id = 'SHARED' where id = ?1").bind(id)
}

/// Claims a free database of the pool that the script is bound to as the target, unless there is one, or `holder` has lost
/// the operation.
pub fn claim(
    operation: &Operation,
    holder: &str,
    bindings: &[String],
    now: Timestamp,
) -> [Statement<InDirectory>; 2] {
    let has_no_target = "exists (select 1 from operations where id = ?4 and target_id is null)";
    [
        databases::claim_free(operation, holder, bindings, now, has_no_target),
        write(
            "update operations set target_id = (
               select id from databases where tenant_id = ?2 and state = 'claimed' and id <> operations.source_id)
             where id = ?1 and target_id is null and lease_holder = ?3 and exists (
               select 1 from databases where tenant_id = ?2 and state = 'claimed' and id <> operations.source_id)
             returning target_id",
        )
        .bind(&operation.id)
        .bind(&operation.tenant.id)
        .bind(holder),
    ]
}

/// Writes down the database that is about to be made as the target, before it is made.
pub fn intend(
    operation: &Operation,
    name: &str,
    binding: &str,
    now: Timestamp,
) -> [Statement<InDirectory>; 2] {
    [
        databases::creating(&operation.tenant.id, name, binding, now),
        write("update operations set target_id = ?2 where id = ?1").bind(&operation.id).bind(name),
    ]
}

/// Both databases of a move, by `side`.
pub fn databases(id: &OperationId) -> Query<InDirectory> {
    read(
        "select case d.id when o.source_id then 'source' else 'target' end as side, d.id as database_id, d.binding, d.uuid,
                d.schema_version, d.kind
         from operations o join databases d on d.id in (o.source_id, o.target_id) where o.id = ?1",
    )
    .bind(id)
}

/// Where the tenant is, and what is wanted of its move.
pub fn move_row(id: &OperationId) -> Query<InDirectory> {
    read(
        "select t.epoch, t.database_id, o.source_id, o.target_id, o.held, o.wanted, o.switched_at
         from operations o join tenants t on t.id = o.tenant_id
         where o.id = ?1 and o.status in ('pending', 'running')",
    )
    .bind(id)
}

/// Reads the row of [`move_row`]: the epoch, and the rest.
///
/// # Errors
/// A fault if it holds what the schema does not allow.
pub fn read_move_row(row: &Row) -> Result<(i64, MoveRow), Fault> {
    let home = row.text("database_id")?;
    let home = if home == row.text("source_id")? {
        Side::Source
    } else if row.optional_text("target_id")?.as_ref() == Some(&home) {
        Side::Target
    } else {
        return Err(Fault::internal("the tenant is in neither database of its move"));
    };
    let command = row.optional_text("wanted")?.map(|text| {
        Command::parse(&text).ok_or_else(|| Fault::internal("the directory holds an unknown command"))
    });
    let found = MoveRow {
        home,
        command: command.transpose()?,
        held: row.flag("held")?,
        switched_at: row.optional_time("switched_at")?,
    };
    Ok((row.int("epoch")?, found))
}

/// The one decision: the tenant leaves `epoch`, for `to`, and is at home in that database. Then the operation remembers
/// when it arrived, or that it has gone back.
pub fn leave_epoch(
    operation: &Operation,
    terms: &Terms,
    epoch: i64,
    to: i64,
    home: (&Database, Side),
    now: Timestamp,
) -> [Statement<InDirectory>; 2] {
    let (database, side) = home;
    let arrived = side == Side::Target;
    let region = if arrived { &terms.region } else { &terms.region_before };
    [
        write(
            "update tenants set epoch = ?3, database_id = ?4, region = ?5, updated_at = ?6,
               placement = (select case kind when 'shared' then 'shared' else 'isolated' end from databases where id = ?4)
             where id = ?1 and epoch = ?2",
        )
        .bind(&operation.tenant.id)
        .bind(epoch)
        .bind(to)
        .bind(database.id.as_str())
        .bind(region.as_deref())
        .bind(now),
        write(
            "update operations set switched_at = case when ?4 then coalesce(switched_at, ?5) end
             where id = ?1 and exists (
               select 1 from tenants where id = operations.tenant_id and epoch = ?2 and database_id = ?3)",
        )
        .bind(&operation.id)
        .bind(to)
        .bind(database.id.as_str())
        .bind(arrived)
        .bind(now),
    ]
}

/// What an operator says, or what follows by itself. What ends a move is said once; a move is finished only where it has
/// arrived. Returns the id if it was said.
pub fn send_command(id: &OperationId, command: Command, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update operations set wanted = ?2, held = 0, run_at = ?3
         where id = ?1 and kind = 'move' and status in ('pending', 'running') and (wanted is null or wanted in ('target', 'return'))
         and (?2 <> 'finish' or exists (
           select 1 from tenants where id = operations.tenant_id and database_id = operations.target_id))
         returning id",
    )
    .bind(id)
    .bind(command.as_str())
    .bind(now)
}

/// Has the move do nothing for now, or go on. Returns the id if there is such a move.
pub fn hold(id: &OperationId, held: bool, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update operations set held = ?2, run_at = ?3
         where id = ?1 and kind = 'move' and status in ('pending', 'running') returning id",
    )
    .bind(id)
    .bind(held)
    .bind(now)
}

/// Shortens the lease for an exchange, in which nobody can write: if the holder dies in it, another goes on soon.
pub fn hurry(id: &OperationId, holder: &str, until: Timestamp) -> Statement<InDirectory> {
    write("update operations set lease_until = ?3 where id = ?1 and lease_holder = ?2 returning id")
        .bind(id)
        .bind(holder)
        .bind(until)
}

/// Has a database that the tenant has no more go the way it came.
pub fn retire(database: &Database, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update databases set state = case kind when 'pool' then 'wiping' else 'detaching' end, updated_at = ?2
         where id = ?1 and kind <> 'shared'",
    )
    .bind(database.id.as_str())
    .bind(now)
}

/// The same for the target of a move that could not begin.
pub fn retire_target(id: &OperationId, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update databases set state = case kind when 'pool' then 'wiping' else 'detaching' end, updated_at = ?2
         where id = (select target_id from operations where id = ?1) and kind <> 'shared'",
    )
    .bind(id)
    .bind(now)
}
