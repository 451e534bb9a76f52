//! How a move begins, whoever asks for it.

use super::{
    goal::{Move, NewMove, Terms},
    store::directory::open_epoch,
};
use crate::{
    access::Shared,
    db::Meter,
    error::Fault,
    id::{OperationId, TenantId},
    operations::{
        engine::{self, model::Order, store::read_tenant, subject::TenantRecord},
        tenants::store::tenant,
    },
    tenant::Status,
    time::Timestamp,
};

/// Why a move cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// There is no such tenant.
    NotFound,
    /// The main tenant stays where it is.
    Main,
    /// The tenant is in a state in which it cannot be moved.
    State(Status),
    /// What is asked for cannot be; words that name the member and say the rule.
    Terms(String),
    /// Another operation of the tenant is not over.
    Busy,
}

impl Hindrance {
    /// In words for the operator.
    pub fn words(&self) -> String {
        match self {
            Self::NotFound => "The tenant does not exist".to_owned(),
            Self::Main => "The main tenant stays where it is".to_owned(),
            Self::State(status) => format!("The tenant is {}", status.as_str()),
            Self::Terms(why) => why.clone(),
            Self::Busy => "Another operation of the tenant is not over yet".to_owned(),
        }
    }
}

/// Whether a tenant can be moved like this: the terms, or what is in the way.
///
/// # Errors
/// The hindrance.
pub fn check(shared: &Shared, record: &TenantRecord, new: NewMove) -> Result<Terms, Hindrance> {
    if record.id == shared.config.main_tenant {
        return Err(Hindrance::Main);
    }
    match record.status {
        Status::Provisioning | Status::Failed | Status::Deleting => Err(Hindrance::State(record.status)),
        Status::Deleted => Err(Hindrance::NotFound),
        _ => {
            let made = shared.config.cloudflare.is_some();
            let region = record.region.as_ref();
            new.check(record.placement, region, record.epoch, made).map_err(Hindrance::Terms)
        }
    }
}

/// Why no move has begun.
#[derive(Debug)]
pub enum BeginError {
    /// Something is in the way.
    Hindered(Hindrance),
    /// The directory failed.
    Fault(Fault),
}

impl From<Fault> for BeginError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Hindrance> for BeginError {
    fn from(hindrance: Hindrance) -> Self {
        Self::Hindered(hindrance)
    }
}

/// Begins a move under this id. Answers the tenant.
///
/// # Errors
/// The hindrance, or a fault of the directory.
pub async fn begin(
    shared: &Shared,
    id: &OperationId,
    tenant_id: &TenantId,
    new: NewMove,
    by: &str,
    meter: &Meter,
    now: Timestamp,
) -> Result<TenantRecord, BeginError> {
    let row = shared.directory.db(meter)?.first(tenant(tenant_id)).await?;
    let record = read_tenant(&row.ok_or(Hindrance::NotFound)?)?;
    let terms = check(shared, &record, new)?;
    let change = [open_epoch(&record.id, terms.generation, now)];
    let order = Order::new(id.clone(), (&record.id, record.placement), &Move { terms }, by)?;
    let begun = engine::begin(shared, &order, change, record.status, meter, now).await?;
    begun.ok_or(Hindrance::Busy)?;
    Ok(record)
}
