//! SQL for tenant settings.

use super::model::Settings;
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    tenant::InTenant,
    time::Timestamp,
};

/// The settings document.
pub fn read_all() -> Query<InTenant> {
    read("select document from settings where tenant_id = ?1")
}

/// Reads the row of [`read_all`]; a tenant without one has the defaults.
///
/// # Errors
/// A fault if the document cannot be read.
pub fn settings(row: Option<&Row>) -> Result<Settings, Fault> {
    row.map_or_else(|| Ok(Settings::default()), |row| row.json("document"))
}

/// Replaces the document.
///
/// # Errors
/// A fault if it does not serialize.
pub fn put(settings: &Settings, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    let document = serde_json::to_value(settings).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(write(
        "insert into settings (tenant_id, document, updated_at) values (?1, ?2, ?3)
         on conflict (tenant_id) do update set document = excluded.document, updated_at = excluded.updated_at",
    )
    .bind(&document)
    .bind(now))
}
