//! What is done to tenants, step by step, and survives whatever happens meanwhile.
//!
//! A [`Procedure`](engine::procedure::Procedure) is a value: its name, its steps, what does and undoes each, what follows
//! from a failure. The [`engine`] takes operations up under a lease, does their steps, tries again, and writes the history;
//! it knows the list of procedures, and names none. Each feature is a folder, with everything of it, and uses those on its left:
//!
//! ```text
//! engine ◀─ tenants ◀─ moves ◀─ backups ◀─ migrations
//! ```

pub mod api;
pub mod backups;
pub mod engine;
pub mod migrations;
pub mod moves;
pub mod tenants;

use self::engine::procedure::Procedure;
use crate::{access::Shared, db::Meter, error::Fault, http::route::Routes, id::OperationId, time::Timestamp};

/// Everything that can be done to a tenant.
pub static PROCEDURES: [&Procedure; 7] = [
    &tenants::PROVISION,
    &moves::MOVE,
    &backups::BACKUP,
    &backups::RESTORE,
    &backups::RESTORE_NEW,
    &backups::TIME_TRAVEL,
    &backups::DELETE,
];

/// What can be asked for of tenants and of the work on them.
pub fn routes(routes: &mut Routes) {
    tenants::api::routes(routes);
    backups::deletion::routes(routes);
    api::routes(routes);
    tenants::databases::api::routes(routes);
    migrations::fleet::api::routes(routes);
    moves::api::routes(routes);
    migrations::api::routes(routes);
    backups::api::routes(routes);
}

/// Goes on with an operation or a migration, and says when to be called again, if ever.
///
/// # Errors
/// A fault of the directory. It can be taken up again later.
pub async fn advance(shared: &Shared, id: &OperationId) -> Result<Option<Timestamp>, Fault> {
    if id.as_str().starts_with(migrations::model::PREFIX) {
        migrations::advance(shared, id).await
    } else {
        engine::advance(shared, &PROCEDURES, id).await
    }
}

/// Periodic maintenance, run by the cron trigger: goes on with what was forgotten, removes archives that nobody wants to
/// keep, and keeps the pool ready.
///
/// # Errors
/// A fault of the directory, or of a database of the pool.
pub async fn tick(shared: &Shared) -> Result<(), Fault> {
    let meter = Meter::default();
    engine::tick(shared, &PROCEDURES).await?;
    backups::archiving::retain(shared, &meter).await?;
    tenants::databases::pool::tend(shared, &meter).await?;
    migrations::tick(shared).await
}
