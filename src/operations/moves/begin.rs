//! How a move begins, whoever asks for it.

use super::wish::{NewMove, Terms};
use crate::{
    access::Shared,
    db::Meter,
    error::Fault,
    id::{OperationId, TenantId},
    operations::{
        engine::{self, moving},
        model::{Input, Kind, Order, Record},
        store as tenants,
    },
    tenant::Status,
    time::Timestamp,
};

/// Why a move cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// There is no such tenant.
    Inexistent,
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
            Self::Inexistent => "The tenant does not exist".to_owned(),
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
pub fn check(shared: &Shared, record: &Record, new: NewMove) -> Result<Terms, Hindrance> {
    if record.id == shared.config.main_tenant {
        return Err(Hindrance::Main);
    }
    match record.status {
        Status::Provisioning | Status::Failed | Status::Deleting => Err(Hindrance::State(record.status)),
        Status::Deleted => Err(Hindrance::Inexistent),
        _ => {
            let made = shared.config.cloudflare.is_some();
            let region = record.region.as_ref();
            new.check(record.placement, region, record.epoch, made).map_err(Hindrance::Terms)
        }
    }
}

/// Begins a move under this id. Answers the tenant, or what is in the way.
///
/// # Errors
/// A fault of the directory.
pub async fn begin(
    shared: &Shared,
    id: &OperationId,
    tenant: &TenantId,
    new: NewMove,
    by: &str,
    meter: &Meter,
    now: Timestamp,
) -> Result<Result<Record, Hindrance>, Fault> {
    let Some(row) = shared.directory.db(meter)?.first(tenants::tenant(tenant)).await? else {
        return Ok(Err(Hindrance::Inexistent));
    };
    let (record, _) = tenants::read_tenant(&row)?;
    let terms = match check(shared, &record, new) {
        Ok(terms) => terms,
        Err(hindrance) => return Ok(Err(hindrance)),
    };
    let change = [moving::store::open_epoch(&record.id, terms.generation, now)];
    let order = Order {
        id: id.clone(),
        tenant: record.id.clone(),
        placement: record.placement,
        kind: Kind::Move,
        input: Input { terms: Some(terms), ..Input::default() },
        initiated_by: by.to_owned(),
    };
    let begun = engine::begin(shared, &order, change, record.status, meter, now).await?;
    Ok(if begun.is_some() { Ok(record) } else { Err(Hindrance::Busy) })
}
