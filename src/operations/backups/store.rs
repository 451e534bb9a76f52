//! SQL of the directory for backups.

use super::model::{Backup, Group, Part, Phase, Reason, State, Sums};
use crate::{
    db::{Query, Row, Statement, page::Window, read, write},
    error::Fault,
    id::{OperationId, TenantId},
    json,
    secret::Sealed,
    tenant::{InDirectory, Status},
    time::Timestamp,
};
use serde::Serialize;

macro_rules! backups {
    ($rest:literal) => {
        concat!(
            "select id, tenant_id, operation_id, reason, status, include, wrapped_key, schema_version, version, cursor, parts,
                    bytes, sums, hash, created_at, taken_at, finished_at from backups ",
            $rest
        )
    };
}

/// One archive.
pub fn by_id(id: &str) -> Query<InDirectory> {
    read(backups!("where id = ?1")).bind(id)
}

/// A page of the archives of a tenant, newest first.
pub fn of_tenant(tenant: &TenantId, window: Window) -> Query<InDirectory> {
    read(backups!(
        "where tenant_id = ?1 and status <> 'deleting' order by created_at desc, id desc limit ?2 offset ?3"
    ))
    .bind(tenant)
    .bind(window.size)
    .bind(window.start)
}

/// How many those are, as `total`.
pub fn count_of_tenant(tenant: &TenantId) -> Query<InDirectory> {
    read("select count(*) as total from backups where tenant_id = ?1 and status <> 'deleting'").bind(tenant)
}

/// Enters an archive that is about to be written. Entering it twice changes nothing.
///
/// # Errors
/// A fault if something does not serialize.
pub fn enter(
    id: &str,
    tenant: &TenantId,
    operation: &OperationId,
    (reason, include): (Reason, &[Group]),
    key: &Sealed,
    schema_version: i64,
    now: Timestamp,
) -> Result<Statement<InDirectory>, Fault> {
    Ok(write(
        "insert into backups (id, tenant_id, operation_id, reason, status, include, wrapped_key, schema_version, cursor,
                              created_at)
         values (?1, ?2, ?3, ?4, 'writing', ?5, ?6, ?7, ?8, ?9) on conflict (id) do nothing",
    )
    .bind(id)
    .bind(tenant)
    .bind(operation)
    .bind(reason.as_str())
    .bind(json(&include)?)
    .bind(key)
    .bind(schema_version)
    .bind(json(&Phase::Start)?)
    .bind(now))
}

/// The column that refuses a part whose archive has been gone on with by somebody else: its number would be null.
pub const GUARD: &str = "backup_parts.number";

/// Goes on with an archive, with a part that was put away before, if there is one. If somebody else has gone on with it,
/// the part is refused with [`GUARD`], and the version is not returned.
///
/// # Errors
/// A fault if something does not serialize.
pub fn go_on(
    backup: &Backup,
    part: Option<&Part>,
    next: &Phase,
) -> Result<Vec<Statement<InDirectory>>, Fault> {
    let mut batch = Vec::new();
    if let Some(part) = part {
        batch.push(
            write(
                "insert into backup_parts (backup_id, number, object, changes, digest, bytes)
                 values (?1, (select parts from backups where id = ?1 and version = ?2), ?3, ?4, ?5, ?6)",
            )
            .bind(backup.id.as_str())
            .bind(backup.version)
            .bind(part.object.as_str())
            .bind(part.changes)
            .bind(part.digest.as_str())
            .bind(part.bytes),
        );
    }
    batch.push(
        write(
            "update backups set version = version + 1, cursor = ?3, parts = parts + ?4, bytes = bytes + ?5, sums = ?6
             where id = ?1 and version = ?2 and status = 'writing' returning version",
        )
        .bind(backup.id.as_str())
        .bind(backup.version)
        .bind(json(next)?)
        .bind(i64::from(part.is_some()))
        .bind(part.map_or(0, |part| part.bytes))
        .bind(json(&backup.sums)?),
    );
    Ok(batch)
}

/// Begins an archive again from nothing.
///
/// # Errors
/// A fault if something does not serialize.
pub fn start_again(backup: &Backup, schema_version: i64) -> Result<[Statement<InDirectory>; 2], Fault> {
    let start = json(&Phase::Start)?;
    Ok([
        write(
            "update backups set version = version + 1, cursor = ?3, parts = 0, bytes = 0, sums = '{}', schema_version = ?4
             where id = ?1 and version = ?2 and status = 'writing' returning version",
        )
        .bind(backup.id.as_str())
        .bind(backup.version)
        .bind(start.as_str())
        .bind(schema_version),
        write(
            "delete from backup_parts where backup_id = ?1 and exists (
               select 1 from backups where id = ?1 and version = ?2 + 1 and cursor = ?3)",
        )
        .bind(backup.id.as_str())
        .bind(backup.version)
        .bind(start),
    ])
}

/// The parts of an archive that is being written, in order.
pub fn parts(id: &str) -> Query<InDirectory> {
    read(
        "select number, object, changes, digest, bytes from backup_parts where backup_id = ?1 order by number",
    )
    .bind(id)
}

/// Reads a row of [`parts`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn read_part(row: &Row) -> Result<Part, Fault> {
    Ok(Part {
        object: row.text("object")?,
        changes: row.flag("changes")?,
        digest: row.text("digest")?,
        bytes: row.int("bytes")?,
    })
}

/// Enters that an archive is whole. Its parts are in its manifest.
///
/// # Errors
/// A fault if something does not serialize.
pub fn set_whole(
    id: &str,
    hash: &str,
    sums: &Sums,
    taken_at: Timestamp,
    now: Timestamp,
) -> Result<[Statement<InDirectory>; 2], Fault> {
    Ok([
        write(
            "update backups set status = 'whole', hash = ?2, sums = ?3, taken_at = ?4, finished_at = ?5
             where id = ?1 and status = 'writing'",
        )
        .bind(id)
        .bind(hash)
        .bind(json(sums)?)
        .bind(taken_at)
        .bind(now),
        write("delete from backup_parts where backup_id = ?1").bind(id),
    ])
}

/// Has an archive removed: nobody can restore it from here on. One that is being restored stays, and so does a whole one
/// that nobody asked for, but that a tenant can be brought back from, if it is not older than `retained`; then it is not
/// returned.
pub fn doom(id: &str, retained: Timestamp) -> Statement<InDirectory> {
    write(
        "update backups set status = 'deleting'
         where id = ?1 and (status <> 'whole' or reason = 'asked' or created_at <= ?2) and not exists (
           select 1 from operations where status in ('pending', 'running') and input ->> '$.restore.backup' = ?1)
         returning id",
    )
    .bind(id)
    .bind(retained)
}

/// Opens the next epoch of a tenant that is to be restored in its place, if the archive is still there.
pub fn open_epoch(tenant: &TenantId, epoch: i64, backup: &str, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update tenants set epoch = ?2, updated_at = ?3
         where id = ?1 and epoch = ?2 - 1 and status in ('active', 'read_only', 'suspended')
         and exists (select 1 from backups where id = ?4 and status = 'whole')",
    )
    .bind(tenant)
    .bind(epoch)
    .bind(now)
    .bind(backup)
}

/// Forgets an archive that is kept no more.
pub fn forget(id: &str) -> [Statement<InDirectory>; 2] {
    [
        write("delete from backup_parts where backup_id = ?1").bind(id),
        write("delete from backups where id = ?1 and status <> 'whole'").bind(id),
    ]
}

/// Archives that are to be removed: those that somebody has doomed, and whole ones that are older than `before`, if that
/// is set.
pub fn doomed(before: Option<Timestamp>, limit: i64) -> Query<InDirectory> {
    read(backups!(
        "where status = 'deleting' or (status = 'whole' and created_at < ?1) order by created_at limit ?2"
    ))
    .bind(before.map_or(0, Timestamp::millis))
    .bind(limit)
}

/// Whole archives of tenants that have more than `keep` newer ones. The last one of a deleted tenant is never among them.
pub fn surplus(keep: i64, limit: i64) -> Query<InDirectory> {
    read(backups!(
        "where status = 'whole' and (
           select count(*) from backups newer where newer.tenant_id = backups.tenant_id and newer.status = 'whole'
           and (newer.created_at > backups.created_at or (newer.created_at = backups.created_at and newer.id > backups.id))
         ) >= ?1 order by created_at limit ?2"
    ))
    .bind(keep)
    .bind(limit)
}

/// Has a tenant serve nobody while its rows are replaced, under the next epoch. A tenant in another state is left alone.
pub fn shut(tenant: &TenantId, epoch: i64, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update tenants set status = 'provisioning', epoch = epoch + 1, updated_at = ?3
         where id = ?1 and epoch = ?2 and status in ('active', 'read_only', 'suspended')",
    )
    .bind(tenant)
    .bind(epoch)
    .bind(now)
}

/// Has it serve again, in the state in which it was.
pub fn open_again(tenant: &TenantId, status: Status, now: Timestamp) -> Statement<InDirectory> {
    // Whether it is open to everybody stands beside its state, and was left alone.
    write("update tenants set status = ?2, updated_at = ?3 where id = ?1 and status = 'provisioning'")
        .bind(tenant)
        .bind(status.stored())
        .bind(now)
}

/// When the tenant came to the database that it has, as `since`: when it was made, or moved there.
pub fn came_at(tenant: &TenantId) -> Query<InDirectory> {
    read(
        "select max(t.created_at, coalesce((
           select max(o.switched_at) from operations o where o.tenant_id = t.id and o.target_id = t.database_id), 0)) as since
         from tenants t where t.id = ?1",
    )
    .bind(tenant)
}

/// Reads a row of [`by_id`], [`of_tenant`], [`doomed`] or [`surplus`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn backup(row: &Row) -> Result<Backup, Fault> {
    let unknown = |what: &str| Fault::internal(format!("the directory holds an unknown {what} of a backup"));
    Ok(Backup {
        id: row.text("id")?,
        tenant: row.text("tenant_id")?,
        operation: OperationId::new(row.text("operation_id")?),
        reason: Reason::parse(&row.text("reason")?).ok_or_else(|| unknown("reason"))?,
        state: State::parse(&row.text("status")?).ok_or_else(|| unknown("status"))?,
        include: row.json("include")?,
        wrapped_key: row.text("wrapped_key")?,
        schema_version: row.int("schema_version")?,
        version: row.int("version")?,
        cursor: row.json("cursor")?,
        parts: row.int("parts")?,
        bytes: row.int("bytes")?,
        sums: row.json("sums")?,
        hash: row.optional_text("hash")?,
        created_at: row.time("created_at")?,
        taken_at: row.optional_time("taken_at")?,
        finished_at: row.optional_time("finished_at")?,
    })
}

fn json(value: &impl Serialize) -> Result<String, Fault> {
    json::write(value)
}
