//! SQL about databases: which the directory knows of, whose they are, and what they say of themselves.

use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::TenantId,
    operations::engine::model::Operation,
    tenant::{InDirectory, InTenant, store::Database},
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

/// How many databases of the pool are free, as `total`, of those that the script is bound to.
pub fn count_free(bindings: &[String]) -> Query<InDirectory> {
    read(
        "select count(*) as total from databases where kind = 'pool' and state = 'free'
         and (uuid is not null or binding in (select value from json_each(?1)))",
    )
    .bind(&serde_json::json!(bindings))
}

/// Claims a free database of the pool that the script is bound to for the tenant of an operation, if `condition` holds (`?1` is
/// the tenant, `?4` the operation) and `holder` has not lost the operation.
pub fn claim_free(
    operation: &Operation,
    holder: &str,
    bindings: &[String],
    now: Timestamp,
    condition: &str,
) -> Statement<InDirectory> {
    write(format!(
        "update databases set state = 'claimed', tenant_id = ?1, updated_at = ?2
         where id = (select id from databases where kind = 'pool' and state = 'free'
                     and (uuid is not null or binding in (select value from json_each(?3))) order by id limit 1)
         and {condition}
         and exists (select 1 from operations where id = ?4 and lease_holder = ?5)"
    ))
    .bind(&operation.tenant.id)
    .bind(now)
    .bind(&serde_json::json!(bindings))
    .bind(&operation.id)
    .bind(holder)
}

/// Claims a free database of the pool that the script is bound to, unless the tenant has one or `holder` has lost the
/// operation; and makes it the tenant's.
pub fn claim(
    operation: &Operation,
    holder: &str,
    bindings: &[String],
    now: Timestamp,
) -> [Statement<InDirectory>; 2] {
    let has_none = "not exists (select 1 from databases where tenant_id = ?1)";
    [
        claim_free(operation, holder, bindings, now, has_none),
        write(
            "update tenants set database_id = (select id from databases where tenant_id = ?1)
             where id = ?1 and exists (select 1 from databases where tenant_id = ?1) returning database_id",
        )
        .bind(&operation.tenant.id),
    ]
}

/// Adds the row of a database that is about to be made for a tenant.
pub fn creating(tenant: &TenantId, name: &str, binding: &str, now: Timestamp) -> Statement<InDirectory> {
    write(
        "insert into databases (id, name, binding, kind, state, tenant_id, created_at, updated_at)
         values (?1, ?1, ?2, 'created', 'creating', ?3, ?4, ?4)",
    )
    .bind(name)
    .bind(binding)
    .bind(tenant)
    .bind(now)
}

/// Writes down the database that is about to be made for a tenant, before it is made: whatever happens then, it is known.
pub fn intend(tenant: &TenantId, name: &str, binding: &str, now: Timestamp) -> [Statement<InDirectory>; 2] {
    [
        creating(tenant, name, binding, now),
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

/// The indexes that somebody has made, each as `name` and `sql`: not those that belong to a key.
pub fn indexes() -> Query<InTenant> {
    read("select name, sql from sqlite_schema where type = 'index' and sql is not null and ?1 = ?1")
}
