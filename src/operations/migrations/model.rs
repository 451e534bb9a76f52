//! What a migration is.

use crate::{config::Placement, operations::moves::goal::NewMove, time::Timestamp};
use serde::{Deserialize, Serialize};

/// How the ids of migrations begin: their alarm clocks are those of operations.
pub const PREFIX: &str = "mig_";

/// The most tenants that move at once: each keeps two databases and the API busy.
const MOST_AT_ONCE: i64 = 50;

/// What a request for a migration says.
#[derive(Debug, Clone, Deserialize)]
pub struct NewMigration {
    /// Which tenants, in this order, or `all` that are not there yet, in the order of their ids.
    pub tenants: Tenants,
    placement: Placement,
    region: Option<String>,
    rollback_days: Option<i64>,
    parallelism: Option<i64>,
    #[serde(default)]
    stop_on_failure: bool,
}

/// Which tenants.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Tenants {
    /// These.
    These(Vec<String>),
    /// `all`.
    All(All),
}

/// The word for all tenants.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// All that are not there yet.
    All,
}

/// Where its tenants go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct To {
    /// Where the tenants' rows shall live.
    pub placement: Placement,
    /// Where in the world their databases are made.
    pub region: Option<String>,
    /// For how many days each can be rolled back.
    pub rollback_days: Option<i64>,
}

impl To {
    /// The move of one tenant.
    pub fn one(&self) -> NewMove {
        NewMove::to(self.placement, self.region.clone()).within(self.rollback_days)
    }
}

/// A migration that was asked for, checked.
#[derive(Debug, Clone)]
pub struct MigrationSpec {
    /// Where its tenants go.
    pub to: To,
    /// How many move at once.
    pub parallelism: i64,
    /// Whether the first that fails keeps the others from beginning.
    pub stop_on_failure: bool,
}

impl NewMigration {
    /// Checks it.
    ///
    /// # Errors
    /// Words that name the member and say the rule.
    pub fn check(&self) -> Result<MigrationSpec, String> {
        let parallelism = self.parallelism.unwrap_or(4);
        if !(1..=MOST_AT_ONCE).contains(&parallelism) {
            return Err(format!("parallelism must be 1 to {MOST_AT_ONCE}"));
        }
        if matches!(&self.tenants, Tenants::These(ids) if ids.is_empty()) {
            return Err("tenants must name one at least, or be \"all\"".to_owned());
        }
        let to =
            To { placement: self.placement, region: self.region.clone(), rollback_days: self.rollback_days };
        Ok(MigrationSpec { to, parallelism, stop_on_failure: self.stop_on_failure })
    }
}

/// The state of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its tenants move.
    Running,
    /// No further one begins until it is resumed: somebody said so, or one has failed.
    Paused,
    /// All have moved.
    Succeeded,
    /// All have had their turn, and some have failed.
    Failed,
}

impl Status {
    const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Succeeded, Self::Failed];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A migration as its row says.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Its id.
    pub id: String,
    /// Its state.
    pub status: Status,
    /// What was asked for.
    pub wanted: MigrationSpec,
    /// The `sub` of the token that asked for it.
    pub initiated_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Tenants by state: waiting, moving, moved, failed.
    pub counts: [i64; 4],
}
