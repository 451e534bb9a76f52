//! The first start, and the first request after an upgrade: migrates the directory and seeds the main tenant.

use crate::{access::Shared, error::Fault, time::Timestamp};

/// Brings the installation to where a request can be served. Idempotent: several instances may do it at once.
///
/// # Errors
/// A fault of a database, or of the configuration.
pub async fn run(_shared: &Shared, _now: Timestamp) -> Result<(), Fault> {
    Err(Fault::unavailable("not built yet"))
}
