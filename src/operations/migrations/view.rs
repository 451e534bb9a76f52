//! Migrations, as the API shows them and as the command reads them.

use super::model::{Migration, Status, To};
use crate::{db::Row, error::Fault, time::Timestamp};
use serde::{Deserialize, Serialize};

/// A migration, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MigrationView {
    /// Its id.
    pub id: String,
    /// Its state.
    pub status: Status,
    /// Where its tenants go.
    pub to: To,
    /// How many move at once.
    pub parallelism: i64,
    /// Whether the first that fails keeps the others from beginning.
    pub stop_on_failure: bool,
    /// How many of its tenants are in which state.
    pub tenants: Counts,
    /// The `sub` of the token that asked for it.
    pub initiated_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// Tenants of a migration, by state.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Counts {
    /// Those whose turn has not come.
    pub waiting: u64,
    /// Those that move.
    pub moving: u64,
    /// Those that have arrived.
    pub moved: u64,
    /// Those that have failed.
    pub failed: u64,
}

impl Counts {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.waiting + self.moving + self.moved + self.failed
    }
}

impl MigrationView {
    /// A migration with the counts of its tenants.
    pub fn of(migration: Migration) -> Self {
        let [waiting, moving, moved, failed] = migration.counts.map(i64::unsigned_abs);
        Self {
            id: migration.id,
            status: migration.status,
            to: migration.wanted.to,
            parallelism: migration.wanted.parallelism,
            stop_on_failure: migration.wanted.stop_on_failure,
            tenants: Counts { waiting, moving, moved, failed },
            initiated_by: migration.initiated_by,
            created_at: migration.created_at,
            updated_at: migration.updated_at,
            finished_at: migration.finished_at,
        }
    }
}

/// A tenant of a migration, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TenantView {
    /// Its place, from 1.
    pub position: i64,
    /// Its id.
    pub tenant_id: String,
    /// `waiting`, `moving`, `moved` or `failed`.
    pub status: String,
    /// The operation that moves it, or has.
    pub operation_id: Option<String>,
    /// When that last changed.
    pub updated_at: Timestamp,
    /// Why it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What can be done then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_go_on: Option<String>,
}

const HOW_TO_GO_ON: &str = "POST /management/migrations/{id}/resume tries those that failed again; \
                            POST /management/operations/{operation_id}/abort leaves this one where it is";

impl TenantView {
    /// Reads a tenant.
    ///
    /// # Errors
    /// A fault if the row holds what the schema does not allow.
    pub fn read(row: &Row) -> Result<Self, Fault> {
        let error = row.optional_text("error")?;
        Ok(Self {
            position: row.int("position")?,
            tenant_id: row.text("tenant_id")?,
            status: row.text("status")?,
            operation_id: row.optional_text("operation_id")?,
            updated_at: row.time("updated_at")?,
            to_go_on: error.as_ref().map(|_| HOW_TO_GO_ON.to_owned()),
            error,
        })
    }
}
