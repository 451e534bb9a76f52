//! Operations and their history, as the API shows them and as the command reads them.

use super::{
    model::{Operation, Progress},
    procedure::Details,
};
use crate::{db::Row, error::Fault, id::OperationId, time::Timestamp};
use serde::{Deserialize, Serialize};

/// An operation, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperationView {
    /// Its id.
    pub id: OperationId,
    /// The tenant it is done to.
    pub tenant_id: String,
    /// Name of its procedure.
    pub kind: String,
    /// How far it is.
    pub status: Progress,
    /// Name of the step that is done next, or was done last.
    pub step: String,
    /// Which one that is.
    pub progress: StepCount,
    /// Failed attempts at that step.
    pub attempt: i64,
    /// What went wrong last, if something did since the step was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it waits for, if nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The `sub` of the token that asked for it.
    pub initiated_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it is tried again, while nobody works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Its history, where one operation was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventView>>,
    /// What its procedure adds.
    #[serde(flatten)]
    pub details: Details,
}

/// Step `step` of `of`, from 1: as many as are known by now.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct StepCount {
    /// The step, from 1.
    pub step: usize,
    /// How many there are.
    pub of: usize,
}

/// An entry of the history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventView {
    /// Its place, from 1.
    pub sequence: i64,
    /// Name of the step.
    pub step: String,
    /// `succeeded`, `skipped`, `retried` or `failed`.
    pub outcome: String,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// When.
    pub created_at: Timestamp,
    /// More, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl EventView {
    /// Reads an entry.
    ///
    /// # Errors
    /// A fault if the row holds what the schema does not allow.
    pub fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            sequence: row.int("sequence")?,
            step: row.text("step")?,
            outcome: row.text("outcome")?,
            attempt: row.int("attempt")?,
            created_at: row.time("created_at")?,
            detail: row.optional_text("detail")?,
        })
    }
}

impl OperationView {
    /// An operation in a list.
    ///
    /// # Errors
    /// A fault if its row holds what its procedure does not know.
    pub fn of(operation: &Operation) -> Result<Self, Fault> {
        Self::with(operation, None)
    }

    /// One operation, with its history and the row of its progress.
    ///
    /// # Errors
    /// A fault if a row holds what the schema does not allow.
    pub fn whole(operation: &Operation, events: &[Row], progress: Option<&Row>) -> Result<Self, Fault> {
        let events = events.iter().map(EventView::read).collect::<Result<_, _>>()?;
        Ok(Self { events: Some(events), ..Self::with(operation, progress)? })
    }

    fn with(operation: &Operation, progress: Option<&Row>) -> Result<Self, Fault> {
        let plan = operation.plan();
        let place = plan.iter().position(|step| step.is(operation.step.name)).unwrap_or_default();
        let waits = operation.lease_until.is_none() && !operation.is_over();
        // To wait is no failed attempt.
        let has_failed = operation.is_over() || operation.attempt > 0;
        let (error, message) = match operation.error.clone() {
            said if has_failed => (said, None),
            said => (None, said),
        };
        Ok(Self {
            id: operation.id.clone(),
            tenant_id: operation.tenant.id.to_string(),
            kind: operation.procedure.name.to_owned(),
            status: operation.status,
            step: operation.step.name.to_owned(),
            progress: StepCount { step: place + 1, of: plan.len() },
            attempt: operation.attempt,
            error,
            message,
            initiated_by: operation.initiated_by.clone(),
            created_at: operation.created_at,
            updated_at: operation.updated_at,
            next_attempt_at: waits.then_some(operation.run_at),
            finished_at: operation.finished_at,
            events: None,
            details: (operation.procedure.details)(operation, progress)?,
        })
    }
}
