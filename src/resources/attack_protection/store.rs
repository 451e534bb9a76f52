//! SQL for attack protection.

use super::model::AttackProtection;
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    tenant::InTenant,
    time::Timestamp,
};

/// Removes so many counts of attempts that have ended: whoever makes up names and addresses leaves nothing for long.
pub fn sweep_attempts(now: Timestamp, most: i64) -> Statement<InTenant> {
    write(
        "delete from login_attempts where tenant_id = ?1 and key in (
           select key from login_attempts indexed by login_attempts_by_expiry
           where tenant_id = ?1 and expires_at <= ?2 order by expires_at limit ?3)",
    )
    .bind(now)
    .bind(most)
}

/// What the tenant has set. One row or none.
pub fn read_all() -> Query<InTenant> {
    read("select document from attack_protection where tenant_id = ?1")
}

/// Reads the row of [`read_all`]; a tenant without one has the defaults.
///
/// # Errors
/// A fault if the document cannot be read.
pub fn attack_protection(row: Option<&Row>) -> Result<AttackProtection, Fault> {
    row.map_or_else(|| Ok(AttackProtection::default()), |row| row.json("document"))
}
