//! Tenants, as the API shows them and as the command reads them.

use crate::{
    config::Placement,
    error::Fault,
    operations::engine::{model::Operation, subject::TenantRecord, view::OperationView},
    tenant::{Directory, Status},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A tenant, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TenantView {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub friendly_name: String,
    /// Its state.
    pub status: Status,
    /// Where its rows live.
    pub placement: Placement,
    /// Where in the world, if somebody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The issuer of its tokens.
    pub issuer: String,
    /// Its host.
    pub domain: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The newest of its operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationView>,
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
            id: tenant.id.to_string(),
            friendly_name: tenant.friendly_name.clone(),
            status: tenant.status,
            placement: tenant.placement,
            region: tenant.region.as_ref().map(|region| region.as_str().to_owned()),
            issuer: directory.issuer(&tenant.id).as_str().to_owned(),
            domain: directory.authority(&tenant.id),
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
            operation: newest.map(OperationView::of).transpose()?,
        })
    }
}
