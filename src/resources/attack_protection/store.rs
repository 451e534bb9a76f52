//! SQL for attack protection.

use super::model::{AttackProtection, Section};
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::{Value as Json, json};

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

/// Merges a change into a section, at every level (RFC 7396). One statement, so that two changes at once do not undo each
/// other.
pub fn merge(section: Section, patch: Json, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into attack_protection (tenant_id, document, updated_at) values (?1, json_patch('{}', ?2), ?3)
         on conflict (tenant_id) do update set
           document = json_patch(iif(json_valid(attack_protection.document), attack_protection.document, '{}'), ?2),
           updated_at = excluded.updated_at",
    )
    .bind(&json!({ section.name(): patch }))
    .bind(now)
}
