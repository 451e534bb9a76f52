//! `gatehouse status`: how far something is, what has failed, and how to go on.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::table,
    },
    migrations,
    operations::{check_id, get, is_over, of_tenant, told},
    tenants::{self, text},
};
use serde_json::{Value as Json, json};

/// Of an operation, a migration, a tenant, or everything.
///
/// # Errors
/// The server's refusal.
pub fn status(api: &Api<'_>, named: Option<&str>) -> Result<Outcome, Failure> {
    match named {
        Some(id) if id.starts_with(migrations::PREFIX) => migrations::status(api, id),
        Some(id) if id.starts_with("op_") => {
            let operation = get(api, check_id("op_", id)?)?;
            let events = operation.get("events").and_then(Json::as_array).cloned().unwrap_or_default();
            let row = |event: &Json| {
                ["created_at", "step", "outcome", "detail"].map(|name| match event.get(name) {
                    Some(Json::String(text)) => text.clone(),
                    Some(Json::Null) | None => String::new(),
                    Some(other) => other.to_string(),
                })
            };
            let rows: Vec<_> = events.iter().map(row).collect();
            let history = table(["AT", "STEP", "OUTCOME", "DETAIL"], &rows);
            Ok(outcome(format!("{}\n\n{history}", told(&operation)), &[&operation], operation.clone()))
        }
        Some(tenant) => {
            let shown = tenants::get(api, tenant)?;
            let operations = of_tenant(api, tenant)?;
            let newest = operations.first().map(|operation| get(api, text(operation, "id"))).transpose()?;
            let line = format!("{tenant}: {}, {}", text(&shown, "status"), text(&shown, "placement"));
            let lines = std::iter::once(line).chain(newest.iter().map(told)).collect::<Vec<_>>().join("\n");
            let document = json!({"tenant": shown, "operations": operations, "newest": newest});
            Ok(outcome(lines, &newest.iter().collect::<Vec<_>>(), document))
        }
        None => {
            let tenants = tenants::all(api, None)?;
            let busy: Vec<_> = tenants
                .iter()
                .filter_map(|tenant| tenant.get("operation"))
                .filter(|operation| !is_over(operation) || text(operation, "status") == "failed")
                .collect();
            let row = |operation: &&Json| {
                ["tenant_id", "kind", "status", "step", "id", "error"]
                    .map(|name| text(operation, name).to_owned())
            };
            let rows: Vec<_> = busy.iter().map(row).collect();
            let migrations = migrations::open(api)?;
            let mut lines: Vec<_> = migrations.iter().map(migrations::line).collect();
            if !rows.is_empty() {
                lines.push(table(["TENANT", "WHAT", "STATUS", "STEP", "OPERATION", "ERROR"], &rows));
            }
            if lines.is_empty() {
                let words =
                    format!("{} tenants; nothing is on its way, and nothing has failed.", tenants.len());
                lines.push(words);
            }
            let told: Vec<_> = busy.iter().copied().chain(&migrations).collect();
            let document = json!({"tenants": tenants.len(), "operations": busy, "migrations": migrations});
            Ok(outcome(lines.join("\n"), &told, document))
        }
    }
}

/// What failed is told by the exit code too.
fn outcome(text_of: String, operations: &[&Json], document: Json) -> Outcome {
    let failed = operations.iter().any(|operation| text(operation, "status") == "failed");
    Outcome { exit: if failed { Exit::Differences } else { Exit::Done }, text: text_of, document }
}
