//! Seals the logs of the tenants by the clock.

use crate::{
    access::{Shared, log_fault},
    db::Meter,
    error::Fault,
    events::blocks::{self, model::INTERVAL},
    id::TenantId,
    tenant::{Resolved, store},
};

/// The number of tenants that one tick looks at, of the calls that Cloudflare allows an invocation (1,000): with a tick every
/// five minutes, 1,000 tenants have their turn in less than two hours. A tenant in use does not wait for it.
const PER_TICK: i64 = 50;

/// Seals what has come since in the logs of the tenants whose turn it is.
///
/// # Errors
/// A fault of the directory. One of a tenant is logged, and does not keep the others waiting.
pub async fn tick(shared: &Shared) -> Result<(), Fault> {
    let (platform, meter) = (shared.platform.as_ref(), Meter::default());
    let now = platform.now();
    let turn = now.millis() / INTERVAL.as_millis();
    for row in shared.directory.db(&meter)?.all(store::in_turn(turn, PER_TICK)).await? {
        let Some(id) = TenantId::parse(&row.text("id")?) else { continue };
        let sealed = match shared.directory.by_id(&id, now, &meter).await {
            Ok(Resolved::Serving(_, db)) => blocks::seal(&db, platform, &id, now).await,
            Ok(_) => Ok(()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = sealed {
            log_fault(platform, "tick", id.as_str(), &fault);
        }
    }
    Ok(())
}
