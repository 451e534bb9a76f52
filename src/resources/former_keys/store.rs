//! SQL for keys of the server before.

use super::model::FormerKey;
use crate::{
    db::{Query, Row, read},
    error::Fault,
    tenant::InTenant,
};

/// All of them.
pub fn all() -> Query<InTenant> {
    read(
        "select issuer, kid, public_jwk, tenant, shared, trusted_until from former_keys
         where tenant_id = ?1 order by issuer, kid",
    )
}

/// Reads a row of [`all`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn former_key(row: &Row) -> Result<FormerKey, Fault> {
    Ok(FormerKey {
        issuer: row.text("issuer")?,
        public: row.json("public_jwk")?,
        tenant: row.text("tenant")?,
        shared: row.flag("shared")?,
        trusted_until: row.time("trusted_until")?,
    })
}
