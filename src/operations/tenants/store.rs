//! SQL of the directory for the life of tenants.

use super::model::TenantSpec;
use crate::{
    config::Placement,
    db::{Query, Statement, page::Window, read, write},
    id::TenantId,
    operations::engine::{store::select, subject::Region},
    tenant::{InDirectory, Status, store::STATUS},
    time::Timestamp,
};

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

/// Each tenant with the newest of its operations.
const NEWEST: &str = "tenants t left join operations o on o.id =
  (select id from operations where tenant_id = t.id order by created_at desc, id desc limit 1)";

/// A tenant, with the newest of its operations.
pub fn tenant(id: &TenantId) -> Query<InDirectory> {
    select(NEWEST, "where t.id = ?1").bind(id)
}

/// A page of tenants by id, each with the newest of its operations: those in a state, or all that are not deleted.
pub fn tenants(status: Option<Status>, window: Window) -> Query<InDirectory> {
    let (condition, value) = match status {
        Some(status) => (format!("{STATUS} = ?1"), status.as_str()),
        None => ("t.id > ?1 and t.status <> 'deleted'".to_owned(), ""),
    };
    select(NEWEST, &format!("where {condition} order by t.id limit ?2 offset ?3"))
        .bind(value)
        .bind(window.size)
        .bind(window.start)
}

/// How many tenants that page is cut from, as `total`.
pub fn count_tenants(status: Option<Status>) -> Query<InDirectory> {
    let counted = Status::ALL
        .into_iter()
        .filter(|each| status.map_or(*each != Status::Deleted, |status| status == *each));
    let counted: Vec<&str> = counted.map(Status::as_str).collect();
    read(format!(
        "select count(*) as total from tenants t where {STATUS} in (select value from json_each(?1))"
    ))
    .bind(&serde_json::json!(counted))
}

/// Reserves a name: enters the tenant as being made, if the name is new, failed, or was deleted before `gone_before`, and if
/// there is a database to be had: shared, of the pool, or (`made`) through the API. A name that had a life before gets the
/// next epoch, so that nothing of that life can touch this one.
pub fn reserve(
    tenant: &TenantSpec,
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
    write(format!(
        "update tenants as t set friendly_name = ?2, updated_at = ?5, staged = ?6, status = ?4
         where t.id = ?1 and {STATUS} = ?3 returning id"
    ))
    .bind(id)
    .bind(friendly_name)
    .bind(from.as_str())
    .bind(to.stored())
    .bind(now)
    .bind(to == Status::Staging)
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
