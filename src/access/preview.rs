//! The pass with which somebody tries a tenant that is not open yet: sealed by the tenant's key, it says until when it is good,
//! comes in a link, and stays in the browser as a cookie.

use super::Call;
use crate::{
    error::Fault,
    http::cookie::Cookie,
    resources::snapshot::Snapshot,
    secret::{Sealed, Secret},
    tenant::Tenant,
    time::{Lifetime, Timestamp},
};

/// How long a pass is good.
pub const LIFETIME: Lifetime = Lifetime::days(7);

/// Where it stays.
pub const COOKIE: Cookie = Cookie::of_own_site("gatehouse_preview");

/// Where the link leads.
pub const PATH: &str = "/u/preview";

/// A pass for the pages of this tenant until `expires_at`.
///
/// # Errors
/// A fault of the seal.
pub fn issue(
    call: &Call,
    tenant: &Tenant,
    snapshot: &Snapshot,
    expires_at: Timestamp,
) -> Result<Sealed, Fault> {
    snapshot.seal.seal(call.platform(), &purpose(tenant), &Secret::new(expires_at.millis().to_string()))
}

/// Until when a pass is good; `None` if it is not, or not any more.
pub fn good_until(call: &Call, snapshot: &Snapshot, pass: &str) -> Option<Timestamp> {
    let opened = snapshot.seal.open(&purpose(&call.tenant), &Sealed::stored(pass))?;
    let expires_at = Timestamp::from_millis(opened.expose().parse().ok()?);
    (call.now < expires_at).then_some(expires_at)
}

/// Whether the browser has shown a pass that is still good.
///
/// # Errors
/// A fault of the database.
pub async fn is_shown(call: &Call) -> Result<bool, Fault> {
    let Some(pass) = COOKIE.read(&call.request) else { return Ok(false) };
    Ok(good_until(call, &*call.snapshot().await?, &pass).is_some())
}

fn purpose(tenant: &Tenant) -> String {
    format!("preview {}", tenant.id())
}
