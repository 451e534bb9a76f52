//! The log, sealed in blocks by the clock: the hash of each covers its entries and the hash of the block before. An entry
//! that is missing, changed or added later is found by whoever looks ([`Block::check`]); writing one costs nothing more.
//!
//! The hash of every block is also written to the log of the Worker, which nobody can change who can only change the
//! database: with it, a chain that was made anew as a whole, or has lost its end, is found too.

pub mod model;
pub mod store;

pub use model::{Block, Finding};

use crate::{
    db::Scope as _,
    error::{Fault, FaultKind},
    id::TenantId,
    platform::{Level, Platform},
    tenant::TenantDb,
    time::Timestamp,
};
use model::{MOST_ENTRIES, SETTLED};
use serde_json::json;

/// The most blocks that one call seals; the next call goes on.
const AT_ONCE: usize = 8;

/// Seals what has come since the last block, if it is time. A tenant that is read-only is left alone.
///
/// # Errors
/// A fault of the database.
pub async fn seal(
    db: &TenantDb,
    platform: &dyn Platform,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<(), Fault> {
    if db.scope().check_writable().is_err() {
        return Ok(());
    }
    for _ in 0..AT_ONCE {
        let settled = now.minus(SETTLED);
        let [newest, rows] = db.read([store::newest(), store::unsealed(settled, MOST_ENTRIES)]).await?;
        let before = newest.first().map(store::block).transpose()?;
        let Some(block) = Block::of(before.as_ref(), &rows, now)? else { break };
        match db.commit([store::insert(&block)]).await {
            // Another instance was faster.
            Err(Fault { kind: FaultKind::Conflict(_), .. }) => break,
            other => other?,
        };
        let fields =
            json!({ "tenant": tenant, "block": block.number, "entries": block.entries, "hash": block.hash });
        platform.log(Level::Info, "a block of the log was sealed", fields);
    }
    Ok(())
}
