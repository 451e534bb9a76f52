//! SQL on the rows of a tenant whose life begins or ends.

use crate::{
    db::{Query, Statement, read, schema::Table, write},
    tenant::InTenant,
};

/// Raises the fence: from here on the database refuses every write of an older epoch, so that nothing of an earlier life
/// of the name, or of an instance with an old route, can touch this one.
pub fn raise_fence(epoch: i64, reason: &str) -> Statement<InTenant> {
    write(
        "insert into fences (tenant_id, epoch, reason) values (?1, ?2, ?3)
         on conflict (tenant_id) do update set epoch = max(epoch, excluded.epoch), reason = excluded.reason",
    )
    .bind(epoch)
    .bind(reason)
}

/// The fence, and how many migrations the database has, as `epoch` and `version`.
pub fn fence() -> Query<InTenant> {
    read("select epoch, (select count(*) from d1_migrations) as version from fences where tenant_id = ?1")
}

/// Deletes up to `limit` of the tenant's rows of one table.
pub fn purge(table: &Table, limit: i64) -> Statement<InTenant> {
    let (name, key) = (table.name, table.key.join(", "));
    write(format!(
        "delete from {name} where ({key}) in (select {key} from {name} where tenant_id = ?1 limit ?2)"
    ))
    .bind(limit)
}
