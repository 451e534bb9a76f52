//! `gatehouse status`: how far something is, what has failed, and how to go on.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::table,
    },
    migrations,
    operations::{Details, check_id, describe, get, of_tenant},
    tenants,
};
use crate::operations::{
    engine::{
        model::Progress,
        view::{EventView, OperationView},
    },
    migrations::model::{PREFIX, Status},
};
use serde_json::{Value as Json, json};

/// Of an operation, a migration, a tenant, or everything.
///
/// # Errors
/// The server's refusal.
pub fn status(api: &Api<'_>, named: Option<&str>) -> Result<Outcome, Failure> {
    match named {
        Some(id) if id.starts_with(PREFIX) => migrations::status(api, id),
        Some(id) if id.starts_with("op_") => {
            let operation = get(api, check_id("op_", id)?)?;
            let row = |event: &EventView| {
                let detail = event.detail.clone().unwrap_or_default();
                [event.created_at.iso(), event.step.clone(), event.outcome.clone(), detail]
            };
            let rows: Vec<_> = operation.events.iter().flatten().map(row).collect();
            let history = table(["AT", "STEP", "OUTCOME", "DETAIL"], &rows);
            let text = format!("{}\n\n{history}", describe(&operation));
            Ok(outcome(text, has_failed(&operation), operation.into_document()))
        }
        Some(tenant) => {
            let shown = tenants::get(api, tenant)?;
            let operations = of_tenant(api, tenant)?;
            let newest = operations
                .first()
                .map(|operation: &super::operations::Operation| get(api, operation.id.as_str()));
            let newest = newest.transpose()?;
            let line = format!("{tenant}: {}, {}", shown.status.as_str(), shown.placement.as_str());
            let described = newest.iter().map(|operation| describe(operation));
            let lines = std::iter::once(line).chain(described).collect::<Vec<_>>().join("\n");
            let failed = newest.as_ref().is_some_and(|operation| has_failed(operation));
            let document = json!({"tenant": shown, "operations": operations, "newest": newest});
            Ok(outcome(lines, failed, document))
        }
        None => {
            let tenants = tenants::all(api, None)?;
            let matters = |operation: &&OperationView| {
                operation.finished_at.is_none() || operation.status == Progress::Failed
            };
            let busy: Vec<_> =
                tenants.iter().filter_map(|tenant| tenant.operation.as_ref()).filter(matters).collect();
            let row = |operation: &&OperationView| {
                [
                    operation.tenant_id.clone(),
                    operation.kind.clone(),
                    operation.status.as_str().to_owned(),
                    operation.step.clone(),
                    operation.id.to_string(),
                    operation.error.clone().unwrap_or_default(),
                ]
            };
            let rows: Vec<_> = busy.iter().map(row).collect();
            let migrations = migrations::open(api)?;
            let mut lines: Vec<_> = migrations.iter().map(|migration| migrations::line(migration)).collect();
            if !rows.is_empty() {
                lines.push(table(["TENANT", "WHAT", "STATUS", "STEP", "OPERATION", "ERROR"], &rows));
            }
            if lines.is_empty() {
                let words =
                    format!("{} tenants; nothing is on its way, and nothing has failed.", tenants.len());
                lines.push(words);
            }
            let failed = busy.iter().any(|operation| operation.status == Progress::Failed)
                || migrations.iter().any(|migration| migration.status == Status::Failed);
            let document = json!({"tenants": tenants.len(), "operations": busy, "migrations": migrations});
            Ok(outcome(lines.join("\n"), failed, document))
        }
    }
}

fn has_failed(operation: &Details) -> bool {
    operation.status == Progress::Failed
}

/// What failed is told by the exit code too.
fn outcome(text: String, failed: bool, document: Json) -> Outcome {
    Outcome { exit: if failed { Exit::Differences } else { Exit::Done }, text, document }
}
