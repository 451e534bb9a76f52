//! Tenants, as the API shows them and as the command reads them.

use crate::{
    config::Placement,
    error::Fault,
    id::TenantId,
    operations::engine::{model::Operation, subject::TenantRecord, view::OperationView},
    tenant::{Directory, Issuer, Status},
    time::Timestamp,
};
use serde::Serialize;

/// A tenant, as the API shows it.
#[derive(Debug, Serialize)]
pub struct TenantView {
    id: TenantId,
    friendly_name: String,
    status: Status,
    placement: Placement,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    issuer: Issuer,
    domain: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationView>,
}

impl TenantView {
    /// A tenant with the newest of its operations.
    ///
    /// # Errors
    /// As [`OperationView::of`].
    pub fn of(
        directory: &Directory,
        tenant: &TenantRecord,
        newest: Option<&Operation>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            id: tenant.id.clone(),
            friendly_name: tenant.friendly_name.clone(),
            status: tenant.status,
            placement: tenant.placement,
            region: tenant.region.as_ref().map(|region| region.as_str().to_owned()),
            issuer: directory.issuer(&tenant.id),
            domain: directory.authority(&tenant.id),
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
            operation: newest.map(OperationView::of).transpose()?,
        })
    }
}
