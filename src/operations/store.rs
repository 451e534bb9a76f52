//! SQL of the directory for the lifecycle of tenants and their databases, and the rows of both and of operations.

use super::{
    model::{Held, Kind, Operation, Origin, Progress, Record, Region, Wanted},
    plan::Step,
};
use crate::{
    config::Placement,
    db::{Query, Row, Statement, page::Window, read, write},
    error::Fault,
    id::{OperationId, OrganizationId, TenantId},
    tenant::{InDirectory, Status, store::Database},
    time::Timestamp,
};

/// Registers a database that `wrangler.toml` declares. Registering it twice changes nothing.
pub fn register(binding: &str, shared: bool, now: Timestamp) -> Statement<InDirectory> {
    let (kind, state) = if shared { ("shared", "attached") } else { ("pool", "free") };
    write(
        "insert into databases (id, name, binding, kind, state, created_at, updated_at) values (?1, ?1, ?1, ?2, ?3, ?4, ?4)
         on conflict (id) do nothing",
    )
    .bind(binding)
    .bind(kind)
    .bind(state)
    .bind(now)
}

/// Enters the main tenant, in the shared database, as being made. Entering it twice changes nothing.
pub fn enter_main(id: &TenantId, now: Timestamp) -> Statement<InDirectory> {
    write(
        "insert into tenants (id, friendly_name, status, placement, database_id, created_by, created_at, updated_at)
         values (?1, ?1, ?2, ?3, 'SHARED', 'installation', ?4, ?4) on conflict (id) do nothing",
    )
    .bind(id)
    .bind(Status::Provisioning.as_str())
    .bind(Placement::Shared.as_str())
    .bind(now)
}

/// Opens the main tenant once it is seeded; a tenant in any other state is left alone.
pub fn open_main(id: &TenantId, now: Timestamp) -> Statement<InDirectory> {
    write("update tenants set status = ?2, updated_at = ?3 where id = ?1 and status = ?4")
        .bind(id)
        .bind(Status::Active.as_str())
        .bind(now)
        .bind(Status::Provisioning.as_str())
}

macro_rules! joined {
    ($from:literal, $rest:literal) => {
        concat!(
            "select t.id as tenant_id, t.friendly_name, case when t.staged = 1 and t.status = 'active' then 'staging' else t.status end as tenant_status, t.placement, t.region, t.epoch,
                    t.organization_id, t.created_at as tenant_created_at, t.updated_at as tenant_updated_at, t.deleted_at,
                    d.id as database_id, d.name as database_name, d.binding, d.uuid, d.kind as database_kind,
                    d.schema_version,
                    o.id, o.kind, t.database_id as home_id, o.source_id, o.target_id, o.status, o.step, o.attempt, o.input, o.state, o.error, o.initiated_by, o.lease_until,
                    o.run_at, o.created_at, o.updated_at, o.finished_at,
                    (select coalesce(max(sequence), 0) from operation_events where operation_id = o.id) as sequence
             from ",
            $from,
            " left join databases d on d.id =
                case when o.target_id is null or o.status not in ('pending', 'running') then t.database_id
                     when o.step in ('detach', 'drop', 'wipe') and o.target_id = t.database_id then o.source_id
                     else o.target_id end ",
            $rest
        )
    };
}

macro_rules! operations {
    ($rest:literal) => {
        joined!("operations o join tenants t on t.id = o.tenant_id", $rest)
    };
}

macro_rules! tenants {
    ($rest:literal) => {
        joined!(
            "tenants t left join operations o on o.id =
               (select id from operations where tenant_id = t.id order by created_at desc, id desc limit 1)",
            $rest
        )
    };
}

/// An operation, with its tenant.
pub fn operation(id: &OperationId) -> Query<InDirectory> {
    read(operations!("where o.id = ?1")).bind(id)
}

/// A page of the operations of a tenant, newest first.
pub fn operations_of(tenant: &TenantId, window: Window) -> Query<InDirectory> {
    read(operations!("where o.tenant_id = ?1 order by o.created_at desc, o.id desc limit ?2 offset ?3"))
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

/// A tenant, with the newest of its operations.
pub fn tenant(id: &TenantId) -> Query<InDirectory> {
    read(tenants!("where t.id = ?1")).bind(id)
}

/// A page of tenants by id, each with the newest of its operations: those in a state, or all that are not deleted.
pub fn tenants(status: Option<Status>, window: Window) -> Query<InDirectory> {
    let query = match status {
        Some(status) => read(tenants!(
            "where case when t.staged = 1 and t.status = 'active' then 'staging' else t.status end = ?1
                 order by t.id limit ?2 offset ?3"
        ))
        .bind(status.as_str()),
        None => read(tenants!("where t.id > ?1 and t.status <> 'deleted' order by t.id limit ?2 offset ?3"))
            .bind(""),
    };
    query.bind(window.size).bind(window.start)
}

/// How many tenants that page is cut from, as `total`.
pub fn count_tenants(status: Option<Status>) -> Query<InDirectory> {
    let counted = Status::ALL
        .into_iter()
        .filter(|each| status.map_or(*each != Status::Deleted, |status| status == *each));
    let counted: Vec<&str> = counted.map(Status::as_str).collect();
    read(
        "select count(*) as total from tenants
         where case when staged = 1 and status = 'active' then 'staging' else status end in (select value from json_each(?1))",
    )
        .bind(&serde_json::json!(counted))
}

/// How many databases of the pool are free, as `total`, of those that the script is bound to.
pub fn count_free(bindings: &[String]) -> Query<InDirectory> {
    read(
        "select count(*) as total from databases where kind = 'pool' and state = 'free'
         and (uuid is not null or binding in (select value from json_each(?1)))",
    )
    .bind(&serde_json::json!(bindings))
}

/// Reserves a name: enters the tenant as being made, if the name is new, failed, or was deleted before `gone_before`, and if
/// there is a database to be had: shared, of the pool, or (`made`) through the API. A name that had a life before gets the
/// next epoch, so that nothing of that life can touch this one.
pub fn reserve(
    tenant: &Wanted,
    creator: &str,
    made: bool,
    bindings: &[String],
    (gone_before, now): (Timestamp, Timestamp),
) -> Statement<InDirectory> {
    write(
        "insert into tenants (id, friendly_name, status, placement, database_id, region, organization_id, created_by,
                              created_at, updated_at)
         select ?1, ?2, 'provisioning', ?3, case ?3 when 'shared' then 'SHARED' end, ?4, ?5, ?6, ?7, ?7
         where ?3 = 'shared' or ?9 or exists (
           select 1 from databases where kind = 'pool' and state = 'free'
           and (uuid is not null or binding in (select value from json_each(?10))))
         on conflict (id) do update set friendly_name = excluded.friendly_name, status = excluded.status,
           placement = excluded.placement, database_id = excluded.database_id, region = excluded.region,
           organization_id = excluded.organization_id, created_by = excluded.created_by,
           created_at = excluded.created_at, updated_at = excluded.updated_at, deleted_at = null, epoch = epoch + 1
         where tenants.status = 'failed' or (tenants.status = 'deleted' and tenants.deleted_at <= ?8)",
    )
    .bind(&tenant.id)
    .bind(tenant.friendly_name.as_str())
    .bind(tenant.placement.as_str())
    .bind(tenant.region.as_ref().map(Region::as_str))
    .bind(&tenant.organization)
    .bind(creator)
    .bind(now)
    .bind(gone_before)
    .bind(made)
    .bind(&serde_json::json!(bindings))
}

/// Closes a tenant for good, with the next epoch. A tenant that is being made or removed is left alone.
pub fn close(id: &TenantId, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update tenants set status = 'deleting', epoch = epoch + 1, updated_at = ?2
         where id = ?1 and status in ('active', 'read_only', 'suspended', 'failed')",
    )
    .bind(id)
    .bind(now)
}

/// Changes what an operator may change of a tenant, if it is still in the state that was looked at.
pub fn update(
    id: &TenantId,
    friendly_name: &str,
    from: Status,
    to: Status,
    now: Timestamp,
) -> Statement<InDirectory> {
    write(
        "update tenants set friendly_name = ?2, updated_at = ?5, staged = ?4 = 'staging',
           status = case ?4 when 'staging' then 'active' else ?4 end
         where id = ?1 and case when staged = 1 and status = 'active' then 'staging' else status end = ?3 returning id",
    )
    .bind(id)
    .bind(friendly_name)
    .bind(from.as_str())
    .bind(to.as_str())
    .bind(now)
}

/// Opens a tenant that has been made.
pub fn activate(id: &TenantId, now: Timestamp) -> Statement<InDirectory> {
    write("update tenants set status = 'active', updated_at = ?2 where id = ?1 and status = 'provisioning'")
        .bind(id)
        .bind(now)
}

/// Closes what there is of a tenant that could not be made, with the next epoch.
pub fn abandon(id: &TenantId, now: Timestamp) -> Statement<InDirectory> {
    write("update tenants set epoch = epoch + 1, updated_at = ?2 where id = ?1 and status = 'provisioning'")
        .bind(id)
        .bind(now)
}

/// The end of a tenant: deleted, and its name on hold, or failed, and free to be tried again. Its hosts are free.
pub fn release(id: &TenantId, to: Status, now: Timestamp) -> [Statement<InDirectory>; 2] {
    let deleted_at = (to == Status::Deleted).then_some(now);
    [
        write("delete from hosts where tenant_id = ?1").bind(id),
        write(
            "update tenants set status = ?2, database_id = null, deleted_at = ?3, updated_at = ?4
             where id = ?1 and status in ('provisioning', 'deleting')",
        )
        .bind(id)
        .bind(to.as_str())
        .bind(deleted_at)
        .bind(now),
    ]
}

/// Claims a free database of the pool that the script is bound to, unless the tenant has one or `holder` has lost the
/// operation; and makes it the tenant's.
pub fn claim(
    operation: &Operation,
    holder: &str,
    bindings: &[String],
    now: Timestamp,
) -> [Statement<InDirectory>; 2] {
    [
        write(
            "update databases set state = 'claimed', tenant_id = ?1, updated_at = ?2
             where id = (select id from databases where kind = 'pool' and state = 'free'
                         and (uuid is not null or binding in (select value from json_each(?3))) order by id limit 1)
             and not exists (select 1 from databases where tenant_id = ?1)
             and exists (select 1 from operations where id = ?4 and lease_holder = ?5)",
        )
        .bind(&operation.tenant.id)
        .bind(now)
        .bind(&serde_json::json!(bindings))
        .bind(&operation.id)
        .bind(holder),
        write(
            "update tenants set database_id = (select id from databases where tenant_id = ?1)
             where id = ?1 and exists (select 1 from databases where tenant_id = ?1) returning database_id",
        )
        .bind(&operation.tenant.id),
    ]
}

/// Writes down the database that is about to be made for a tenant, before it is made: whatever happens then, it is known.
pub fn intend(tenant: &TenantId, name: &str, binding: &str, now: Timestamp) -> [Statement<InDirectory>; 2] {
    [
        write(
            "insert into databases (id, name, binding, kind, state, tenant_id, created_at, updated_at)
             values (?1, ?1, ?2, 'created', 'creating', ?3, ?4, ?4)",
        )
        .bind(name)
        .bind(binding)
        .bind(tenant)
        .bind(now),
        write("update tenants set database_id = ?1 where id = ?2").bind(name).bind(tenant),
    ]
}

/// Remembers under which id Cloudflare knows a database that has been made.
pub fn set_uuid(database: &str, uuid: &str, now: Timestamp) -> Statement<InDirectory> {
    write("update databases set uuid = ?2, updated_at = ?3 where id = ?1").bind(database).bind(uuid).bind(now)
}

/// Remembers that the script is bound to a database.
pub fn set_attached(database: &str, now: Timestamp) -> Statement<InDirectory> {
    write("update databases set state = 'attached', updated_at = ?2 where id = ?1").bind(database).bind(now)
}

/// Has a tenant's database go the way it came: it is wanted no more.
pub fn retire(tenant: &TenantId, now: Timestamp) -> Statement<InDirectory> {
    write(
        "update databases set state = case kind when 'pool' then 'wiping' else 'detaching' end, updated_at = ?2
         where tenant_id = ?1 and kind <> 'shared'",
    )
    .bind(tenant)
    .bind(now)
}

/// Returns an emptied database to the pool.
pub fn set_free(database: &str, now: Timestamp) -> Statement<InDirectory> {
    write("update databases set state = 'free', tenant_id = null, updated_at = ?2 where id = ?1 and kind = 'pool'")
        .bind(database)
        .bind(now)
}

/// Forgets a database that is no more.
pub fn remove_database(database: &str) -> Statement<InDirectory> {
    write("delete from databases where id = ?1 and kind = 'created'").bind(database)
}

/// The bindings that the script should have of those that come and go: name and database id.
pub fn wanted_bindings() -> Query<InDirectory> {
    read(
        "select binding, uuid from databases where uuid is not null and state <> 'detaching' order by binding",
    )
}

/// Writes down databases for the pool before they are made: as many of `names` (name and binding) as are missing from
/// `target` that are free, or begun.
pub fn intend_spares(names: &[(String, String)], target: i64, now: Timestamp) -> Vec<Statement<InDirectory>> {
    let one = |(name, binding): &(String, String)| {
        write(
            "insert into databases (id, name, binding, kind, state, created_at, updated_at)
             select ?1, ?1, ?2, 'pool', 'creating', ?3, ?3
             where (select count(*) from databases where kind = 'pool' and state in ('free', 'creating')) < ?4",
        )
        .bind(name)
        .bind(binding)
        .bind(now)
        .bind(target)
    };
    names.iter().map(one).collect()
}

/// Databases of the pool that were written down and are not ready yet.
pub fn begun_spares(limit: i64) -> Query<InDirectory> {
    read(
        "select id as database_id, name, binding, uuid, schema_version from databases
         where kind = 'pool' and state = 'creating' order by id limit ?1",
    )
    .bind(limit)
}

/// Free databases of the pool that a newer release has not migrated yet.
pub fn free_and_old(version: i64, limit: i64) -> Query<InDirectory> {
    read(
        "select id as database_id, binding, uuid, schema_version from databases
         where kind = 'pool' and state = 'free' and schema_version < ?1 order by id limit ?2",
    )
    .bind(version)
    .bind(limit)
}

/// Reads a row of [`operation`] or [`operations_of`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn read_operation(row: &Row) -> Result<Operation, Fault> {
    Ok(Operation {
        id: OperationId::new(row.text("id")?),
        tenant: read_record(row)?,
        kind: known("kind", Kind::parse(&row.text("kind")?))?,
        home: row.optional_text("home_id")?,
        target: row.optional_text("target_id")?,
        status: known("status", Progress::parse(&row.text("status")?))?,
        step: known("step", Step::parse(&row.text("step")?))?,
        attempt: row.int("attempt")?,
        input: row.json("input")?,
        state: row.json("state")?,
        error: row.optional_text("error")?,
        initiated_by: row.text("initiated_by")?,
        lease_until: row.optional_time("lease_until")?,
        run_at: row.time("run_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.optional_time("finished_at")?,
        sequence: row.int("sequence")?,
    })
}

/// Reads a row of [`tenant`] or [`tenants`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn read_tenant(row: &Row) -> Result<(Record, Option<Operation>), Fault> {
    let operation = row.optional_text("id")?.map(|_| read_operation(row)).transpose()?;
    Ok((read_record(row)?, operation))
}

fn read_record(row: &Row) -> Result<Record, Fault> {
    let database = row.optional_text("database_id")?.map(|_| {
        Ok::<_, Fault>(Held {
            database: read_database(row)?,
            name: row.text("database_name")?,
            origin: known("origin", Origin::parse(&row.text("database_kind")?))?,
        })
    });
    Ok(Record {
        id: known("tenant", TenantId::parse(&row.text("tenant_id")?))?,
        friendly_name: row.text("friendly_name")?,
        status: known("tenant_status", Status::parse(&row.text("tenant_status")?))?,
        placement: known("placement", Placement::parse(&row.text("placement")?))?,
        region: row.optional_text("region")?.and_then(|text| Region::parse(&text)),
        epoch: row.int("epoch")?,
        organization: row.optional_text("organization_id")?.map(OrganizationId::new),
        database: database.transpose()?,
        created_at: row.time("tenant_created_at")?,
        updated_at: row.time("tenant_updated_at")?,
        deleted_at: row.optional_time("deleted_at")?,
    })
}

/// Reads `database_id`, `binding`, `uuid` and `schema_version`.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn read_database(row: &Row) -> Result<Database, Fault> {
    Ok(Database {
        id: row.text("database_id")?,
        binding: row.text("binding")?,
        uuid: row.optional_text("uuid")?,
        schema_version: row.int("schema_version")?,
    })
}

fn known<T>(what: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::internal(format!("the directory holds an unknown {what}")))
}
