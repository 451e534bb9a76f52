//! The two scopes a statement can have. Their fields are private to `tenant`: a handle cannot be forged.

use crate::{
    db::{Db, RawStatement, Scope, Value},
    error::{Fault, FaultKind, Stale},
    id::TenantId,
};

/// One tenant's rows, wherever they live.
#[derive(Debug, Clone)]
pub struct InTenant {
    tenant: TenantId,
    epoch: i64,
    writable: bool,
}

impl InTenant {
    /// Made by the directory only, together with the `Tenant`.
    pub(super) fn new(tenant: TenantId, epoch: i64, writable: bool) -> Self {
        Self { tenant, epoch, writable }
    }
}

impl Scope for InTenant {
    fn first(&self) -> Option<Value> {
        Some(Value::from(&self.tenant))
    }

    /// The fence: a trigger refuses this insert when the tenant has moved on to a later epoch, so that an instance
    /// with an old route cannot write to the side that was left.
    fn guard(&self) -> Option<RawStatement> {
        Some(RawStatement {
            sql: "insert into write_guard (tenant_id, epoch) values (?1, ?2)".into(),
            params: vec![Value::from(&self.tenant), Value::Int(self.epoch)],
        })
    }

    /// What was written where the tenant is now cannot be seen where it was: nothing may be read there any more.
    fn read_guard(&self) -> Option<RawStatement> {
        Some(RawStatement {
            sql: "select 1 from fences where tenant_id = ?1 and closed > ?2".into(),
            params: vec![Value::from(&self.tenant), Value::Int(self.epoch)],
        })
    }

    fn stale(&self) -> Option<Stale> {
        Some(Stale { tenant: self.tenant.clone(), epoch: self.epoch })
    }

    fn check_writable(&self) -> Result<(), Fault> {
        if self.writable {
            return Ok(());
        }
        Err(Fault { kind: FaultKind::ReadOnly, detail: format!("tenant {} is read-only", self.tenant) })
    }
}

/// The directory of tenants, hosts, databases and operations.
#[derive(Debug, Clone)]
pub struct InDirectory(());

impl InDirectory {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl Scope for InDirectory {
    fn first(&self) -> Option<Value> {
        None
    }

    fn guard(&self) -> Option<RawStatement> {
        None
    }

    fn read_guard(&self) -> Option<RawStatement> {
        None
    }

    fn stale(&self) -> Option<Stale> {
        None
    }

    fn check_writable(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Speaks for exactly one tenant; made only by the directory, together with its `Tenant`.
pub type TenantDb = Db<InTenant>;
/// Speaks for the directory; made only by the directory itself.
pub type DirectoryDb = Db<InDirectory>;
