//! SQL of the directory for the lifecycle of tenants, databases and operations.

use crate::{
    config::Placement,
    db::{Query, Statement, read, write},
    id::TenantId,
    tenant::{InDirectory, Status},
    time::Timestamp,
};

/// The bindings of the databases that the directory knows.
pub fn known_bindings() -> Query<InDirectory> {
    read("select binding from databases order by binding")
}

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
