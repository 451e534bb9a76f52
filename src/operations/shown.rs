//! How tenants and operations look from outside.

use super::{
    backups::model::id_of,
    model::{Kind, Operation, Progress, Record},
};
use crate::{
    config::Placement,
    db::Row,
    error::Fault,
    id::{OperationId, TenantId},
    tenant::{Directory, Issuer, Status},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json};

/// A tenant as the API shows it.
#[derive(Debug, Serialize)]
pub struct Shown {
    id: TenantId,
    friendly_name: String,
    status: Status,
    placement: Placement,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    issuer: Issuer,
    domain: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Work>,
}

/// An operation as the API shows it.
#[derive(Debug, Serialize)]
pub struct Work {
    id: OperationId,
    tenant_id: TenantId,
    kind: Kind,
    status: Progress,
    step: &'static str,
    progress: Steps,
    attempt: i64,
    /// What went wrong last, if something did since the step was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What it waits for, if nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The archive that it makes, or restores.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
    /// The moment that its database goes back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    initiated_by: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

/// Step `step` of `of`, from 1: as many as are known by now.
#[derive(Debug, Serialize)]
struct Steps {
    step: usize,
    of: usize,
}

/// A tenant with the newest of its operations.
pub fn tenant(directory: &Directory, tenant: &Record, newest: Option<&Operation>) -> Shown {
    Shown {
        id: tenant.id.clone(),
        friendly_name: tenant.friendly_name.clone(),
        status: tenant.status,
        placement: tenant.placement,
        region: tenant.region.as_ref().map(|region| region.as_str().to_owned()),
        issuer: directory.issuer(&tenant.id),
        domain: directory.authority(&tenant.id),
        created_at: tenant.created_at,
        updated_at: tenant.updated_at,
        operation: newest.map(operation),
    }
}

/// An operation without its history.
pub fn operation(operation: &Operation) -> Work {
    let plan = operation.plan();
    let place = plan.iter().position(|step| *step == operation.step).unwrap_or_default();
    let waits = operation.lease_until.is_none() && !operation.is_over();
    // To wait is no failed attempt.
    let has_failed = operation.is_over() || operation.attempt > 0;
    let (error, message) = match operation.error.clone() {
        said if has_failed => (said, None),
        said => (None, said),
    };
    Work {
        id: operation.id.clone(),
        tenant_id: operation.tenant.id.clone(),
        kind: operation.kind,
        status: operation.status,
        step: operation.step.as_str(),
        progress: Steps { step: place + 1, of: plan.len() },
        attempt: operation.attempt,
        error,
        message,
        backup: match operation.kind {
            Kind::Backup => Some(id_of(&operation.id)),
            _ => operation.input.restore.as_ref().map(|restoring| restoring.backup.clone()),
        },
        timestamp: operation.input.travel.as_ref().map(|travelling| Timestamp::from_millis(travelling.to)),
        initiated_by: operation.initiated_by.clone(),
        created_at: operation.created_at,
        updated_at: operation.updated_at,
        next_attempt_at: waits.then_some(operation.run_at),
        finished_at: operation.finished_at,
    }
}

/// One row of an operation's history.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn event(row: &Row) -> Result<Value, Fault> {
    let mut shown = json!({
        "sequence": row.int("sequence")?,
        "step": row.text("step")?,
        "outcome": row.text("outcome")?,
        "attempt": row.int("attempt")?,
        "created_at": row.time("created_at")?,
    });
    if let (Some(detail), Some(members)) = (row.optional_text("detail")?, shown.as_object_mut()) {
        members.insert("detail".to_owned(), Value::String(detail));
    }
    Ok(shown)
}
