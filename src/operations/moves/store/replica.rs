//! SQL of a move: the record that each database keeps of its part, the triggers that capture, the fence.

use crate::{
    db::{Query, Row, Statement, Value, define, read, schema::Table, write},
    error::Fault,
    id::{OperationId, TenantId},
    json,
    operations::moves::{
        model::{Cursor, Replica, ReplicaStatus, Role},
        rows::Tally,
    },
    tenant::InTenant,
};

/// Which move a statement belongs to.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// The operation.
    pub operation: &'a OperationId,
    /// The tenant's epoch when it began.
    pub generation: i64,
    /// How many migrations this release has.
    pub schema: i64,
}

/// What the database says of itself: always one row.
pub fn read_status(operation: &OperationId) -> Query<InTenant> {
    read(
        "select coalesce(f.epoch, 0) as fence, coalesce(f.closed, 0) as closed, m.version, m.role, m.led_since, m.led_from,
                m.captured, m.watermark, m.copy, m.checking, m.tally, m.schema_version
         from (select ?1 as tenant_id) t left join fences f on f.tenant_id = t.tenant_id
         left join moves m on m.tenant_id = t.tenant_id and m.operation_id = ?2",
    )
    .bind(operation)
}

/// Reads the row of [`read_status`].
///
/// # Errors
/// A fault if it holds what the schema does not allow.
pub fn status(row: &Row) -> Result<ReplicaStatus, Fault> {
    let Some(version) = row.optional_int("version")? else {
        return Ok(ReplicaStatus { fence: row.int("fence")?, closed: row.int("closed")?, record: None });
    };
    let cursor = |column: &str| -> Result<Option<Cursor>, Fault> {
        row.optional_text(column)?.map(|_| row.json(column)).transpose()
    };
    let role = Role::parse(&row.text("role")?).ok_or_else(|| Fault::internal("moves: unknown role"))?;
    let record = Replica {
        version,
        role,
        led_since: row.int("led_since")?,
        led_from: row.int("led_from")?,
        captured: row.int("captured")?,
        watermark: row.int("watermark")?,
        copy: cursor("copy")?,
        check: cursor("checking")?,
        tally: row.json("tally")?,
        schema: row.int("schema_version")?,
    };
    Ok(ReplicaStatus { fence: row.int("fence")?, closed: row.int("closed")?, record: Some(record) })
}

/// Enters a first part, unless this move, or a later one, has entered one. A late copy of it changes nothing.
pub fn enter(part: Part<'_>, role: Role, epoch: i64) -> Statement<InTenant> {
    write(
        "insert into moves (tenant_id, operation_id, generation, version, role, led_since, copy, checking, schema_version)
         values (?1, ?2, ?3, 1, ?4, ?5, '{\"table\":0}', '{\"table\":0}', ?6)
         on conflict (tenant_id) do update set operation_id = excluded.operation_id, generation = excluded.generation,
           version = excluded.version, role = excluded.role, led_since = excluded.led_since, led_from = 0, captured = 0,
           watermark = 0, copy = excluded.copy, checking = excluded.checking, tally = '{}',
           schema_version = excluded.schema_version
         where moves.generation < excluded.generation",
    )
    .bind(part.operation)
    .bind(part.generation)
    .bind(role.as_str())
    .bind(epoch)
    .bind(part.schema)
}

/// Refuses the whole batch unless the record is at this version, and the database at this release's schema.
pub fn guard(part: Part<'_>, version: i64) -> Statement<InTenant> {
    write("insert into move_guard (tenant_id, operation_id, version, schema_version) values (?1, ?2, ?3, ?4)")
        .bind(part.operation)
        .bind(version)
        .bind(part.schema)
}

/// What an effect changes of the record, besides its version. What is none stays.
#[derive(Default)]
pub struct Change<'a> {
    /// The part.
    pub role: Option<Role>,
    /// Since when, and from where of its log, it leads.
    pub led: Option<i64>,
    /// How far it has been brought.
    pub watermark: Option<i64>,
    /// Where the copy goes on.
    pub copy: Option<Option<&'a Cursor>>,
    /// Where the comparison goes on.
    pub check: Option<Option<&'a Cursor>>,
    /// What was done.
    pub tally: Option<&'a Tally>,
    /// For which release.
    pub schema: Option<i64>,
}

/// Counts the version up, and makes the change.
///
/// # Errors
/// A fault if something does not serialize.
pub fn advance(change: &Change<'_>) -> Result<Statement<InTenant>, Fault> {
    let json = |value: Option<String>| value.map_or(Value::Null, Value::Text);
    let mut sets: Vec<(&str, Value)> = Vec::new();
    sets.extend(change.role.map(|role| ("role", Value::from(role.as_str()))));
    sets.extend(change.led.map(|epoch| ("led_since", Value::Int(epoch))));
    sets.extend(change.watermark.map(|watermark| ("watermark", Value::Int(watermark))));
    sets.extend(change.schema.map(|schema| ("schema_version", Value::Int(schema))));
    for (column, cursor) in [("copy", change.copy), ("checking", change.check)] {
        if let Some(cursor) = cursor {
            sets.push((column, json(cursor.map(to_json).transpose()?)));
        }
    }
    if let Some(tally) = change.tally {
        sets.push(("tally", Value::Text(to_json(tally)?)));
    }
    let mut sql = "update moves set version = version + 1".to_owned();
    if change.led.is_some() {
        sql.push_str(", led_from = captured");
    }
    for (index, (column, _)) in sets.iter().enumerate() {
        sql.push_str(&format!(", {column} = ?{}", index + 2));
    }
    sql.push_str(" where tenant_id = ?1");
    Ok(sets.into_iter().fold(write(sql), |statement, (_, value)| statement.bind(value)))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, Fault> {
    json::write(value)
}

/// Closes the database to reads of handles that are older than `epoch`.
pub fn close(epoch: i64) -> Statement<InTenant> {
    write("update fences set closed = max(closed, ?2) where tenant_id = ?1").bind(epoch)
}

/// Installs the triggers that record the key of every row of the tenant that changes.
pub fn capture(tenant: &TenantId, tables: &[Table]) -> Vec<Statement<InTenant>> {
    tables.iter().flat_map(|table| EVENTS.map(|event| define(trigger(tenant, table, event)))).collect()
}

/// Removes them.
pub fn release(tenant: &TenantId, tables: &[Table]) -> Vec<Statement<InTenant>> {
    let drop = |table: &Table, event: &str| {
        define(format!("drop trigger if exists \"{}\"", trigger_name(tenant, table, event)))
    };
    tables.iter().flat_map(|table| EVENTS.map(|event| drop(table, event))).collect()
}

const EVENTS: [&str; 3] = ["insert", "update", "delete"];

fn trigger_name(tenant: &TenantId, table: &Table, event: &str) -> String {
    format!("capture {tenant} {} {event}", table.name)
}

/// A trigger takes no parameters. The id of a tenant is a DNS label: it needs no quoting, and names come from the schema.
fn trigger(tenant: &TenantId, table: &Table, event: &str) -> String {
    let key = |row: &str| {
        let columns = table.key.iter().skip(1).map(|column| format!("{row}.{column}"));
        columns.collect::<Vec<_>>().join(", ")
    };
    let record = |row: &str, condition: &str| {
        format!(
            "  update moves set captured = captured + 1 where tenant_id = '{tenant}'{condition};
  insert into captured_keys (tenant_id, sequence, name, key)
    select '{tenant}', captured, '{}', json_array({}) from moves where tenant_id = '{tenant}'{condition};
",
            table.name,
            key(row)
        )
    };
    let row = if event == "delete" { "old" } else { "new" };
    let mut body = record(row, "");
    if event == "update" {
        // A key that changes is two rows.
        let changed = table.key.iter().skip(1).map(|column| format!("old.{column} is not new.{column}"));
        let changed = changed.collect::<Vec<_>>().join(" or ");
        if !changed.is_empty() {
            body.push_str(&record("old", &format!(" and ({changed})")));
        }
    }
    format!(
        "create trigger if not exists \"{}\" after {event} on {} when {row}.tenant_id = '{tenant}' begin
{body}end",
        trigger_name(tenant, table, event),
        table.name
    )
}

/// What was captured behind a position, the oldest first.
pub fn captured(after: i64, limit: i64) -> Query<InTenant> {
    read(
        "select sequence, name, key from captured_keys where tenant_id = ?1 and sequence > ?2 order by sequence limit ?3",
    )
    .bind(after)
    .bind(limit)
}

/// The keys of one table that were captured behind a position.
pub fn captured_of(table: &Table, after: i64) -> Query<InTenant> {
    read("select distinct key from captured_keys where tenant_id = ?1 and sequence > ?2 and name = ?3")
        .bind(after)
        .bind(table.name)
}

/// Forgets what was captured up to a position: it has been brought.
pub fn forget_captured(upto: i64) -> Statement<InTenant> {
    write("delete from captured_keys where tenant_id = ?1 and sequence <= ?2").bind(upto)
}

/// Forgets everything that was captured.
pub fn forget_all_captured() -> Statement<InTenant> {
    write("delete from captured_keys where tenant_id = ?1 /* all rows: they go */")
}

/// How many migrations the database has, as `version`.
pub fn schema_version() -> Query<InTenant> {
    read("select count(*) as version from d1_migrations where ?1 = ?1")
}
