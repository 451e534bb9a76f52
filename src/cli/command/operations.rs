//! Operations: how far they are, and what is done with a move that is on its way.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::{Screen, count, table},
    },
    tenants::{self, text},
};
use crate::time::Lifetime;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

/// What is done with an operation.
#[derive(Debug, Args)]
pub struct Steer {
    /// What to do
    what: What,
    /// The operation, or the tenant whose move it is
    operation: String,
}

/// What can be done with a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Does nothing for now
    Pause,
    /// Goes on
    Resume,
    /// Gives up before the switch, and clears up
    Abort,
    /// Switches now, as soon as everything is there and compared
    Switch,
    /// Goes back after the switch, for now: both databases stay in step, and it can be switched again
    Return,
    /// Goes back after the switch, and ends; nothing that was written since is lost
    Rollback,
    /// Ends the time in which it can be rolled back, and clears up
    Finish,
}

/// Where to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The tenant is at its new home.
    Arrived,
    /// Everything is there, and it waits for the switch.
    Ready,
    /// It is where it began, and everything is there, and it waits for the switch.
    Returned,
    /// It is over.
    Over,
}

impl Steer {
    /// To roll back, as `gatehouse rollback` says it.
    pub const fn rollback(operation: String) -> Self {
        Self { what: What::Rollback, operation }
    }

    /// Does it, and waits until it is so.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let id = resolve(api, &self.operation)?;
        let word = match self.what {
            What::Pause => "pause",
            What::Resume => "resume",
            What::Abort => "abort",
            What::Switch => "switch",
            What::Return => "return",
            What::Rollback => "rollback",
            What::Finish => "finish",
        };
        let path = format!("/management/operations/{id}/{word}");
        match api.post(&path, &json!({})) {
            // It was said already, and the answer to that was lost.
            Err(failure) if failure.is_status(409) && decided(api, &id, self.what)? => {}
            said => drop(said?),
        }
        let operation = match self.what {
            What::Pause | What::Resume => get(api, &id)?,
            What::Switch => watch(api, screen, &id, Until::Arrived)?,
            What::Return => watch(api, screen, &id, Until::Returned)?,
            What::Abort | What::Rollback | What::Finish => watch_end(api, screen, &id)?,
        };
        Ok(Outcome::done(told(&operation), operation))
    }
}

/// Whether a move already ends as is wanted.
fn decided(api: &Api<'_>, id: &str, what: What) -> Result<bool, Failure> {
    let operation = get(api, id)?;
    let wanted = operation.pointer("/move/wanted").and_then(Json::as_str).unwrap_or_default();
    Ok(match what {
        What::Abort | What::Rollback => wanted == "source",
        What::Switch => wanted == "target",
        What::Return => wanted == "return",
        What::Finish => wanted == "finish",
        What::Pause | What::Resume => false,
    })
}

/// The operation of this id, or the newest move of the tenant of this id.
fn resolve(api: &Api<'_>, named: &str) -> Result<String, Failure> {
    if named.starts_with("op_")
        && named.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
    {
        return Ok(named.to_owned());
    }
    let operations = of_tenant(api, named)?;
    let newest = operations.iter().find(|operation| text(operation, "kind") == "move");
    newest
        .map(|operation| text(operation, "id").to_owned())
        .ok_or_else(|| Failure::Other(format!("the tenant {named} has not been moved")))
}

/// The operations of a tenant, newest first.
fn of_tenant(api: &Api<'_>, tenant: &str) -> Result<Vec<Json>, Failure> {
    let answer = api.get(&format!("{}/operations?per_page=100", tenants::path(tenant)?))?;
    Ok(answer.get("operations").and_then(Json::as_array).cloned().unwrap_or_default())
}

/// The move of a tenant that is on its way to this placement.
///
/// # Errors
/// The server's refusal.
pub fn on_its_way(api: &Api<'_>, tenant: &str, placement: &str) -> Result<Option<String>, Failure> {
    let operations = of_tenant(api, tenant)?;
    let running =
        operations.iter().find(|operation| text(operation, "kind") == "move" && !is_over(operation));
    let Some(running) = running else { return Ok(None) };
    let id = text(running, "id");
    let to = get(api, id)?.pointer("/move/to/placement").and_then(Json::as_str).map(str::to_owned);
    Ok((to.as_deref() == Some(placement)).then(|| id.to_owned()))
}

/// An operation with its history.
///
/// # Errors
/// The server's refusal.
pub fn get(api: &Api<'_>, id: &str) -> Result<Json, Failure> {
    api.get(&format!("/management/operations/{id}"))
}

fn is_over(operation: &Json) -> bool {
    !text(operation, "finished_at").is_empty()
}

/// Waits, and shows how far it is.
///
/// # Errors
/// It failed, or was paused, or stands before rows that differ.
pub fn watch(api: &Api<'_>, screen: &mut Screen<'_>, id: &str, until: Until) -> Result<Json, Failure> {
    loop {
        let operation = get(api, id)?;
        let moved = operation.get("move").unwrap_or(&Json::Null);
        let flag = |name: &str| moved.get(name) == Some(&Json::Bool(true));
        let status = text(&operation, "status");
        if matches!(status, "failed" | "cancelled") {
            let why = operation.get("error").and_then(Json::as_str).unwrap_or("no reason given");
            return Err(Failure::Other(format!("{} {id} {status}: {why}", text(&operation, "kind"))));
        }
        let there = match until {
            Until::Arrived => flag("arrived"),
            Until::Ready => flag("arrived") || text(moved, "phase") == "following",
            Until::Returned => !flag("arrived") && text(moved, "phase") == "following",
            Until::Over => false,
        };
        if there || is_over(&operation) {
            return Ok(operation);
        }
        if flag("held") {
            return Err(Failure::Other(format!("{id} is paused: gatehouse operation resume {id}")));
        }
        let differing = moved.get("differences").and_then(Json::as_array).map_or(0, Vec::len);
        if differing > 0 {
            let words = format!(
                "{differing} rows differ on the two sides, so it does not switch: gatehouse status {id}"
            );
            return Err(Failure::Other(words));
        }
        show(screen, &operation);
        api.environment().pause(Lifetime::seconds(1));
    }
}

/// Waits for the end, whichever it is.
fn watch_end(api: &Api<'_>, screen: &mut Screen<'_>, id: &str) -> Result<Json, Failure> {
    loop {
        let operation = get(api, id)?;
        if is_over(&operation) {
            return Ok(operation);
        }
        show(screen, &operation);
        api.environment().pause(Lifetime::seconds(1));
    }
}

fn show(screen: &mut Screen<'_>, operation: &Json) {
    let number = |pointer: &str| operation.pointer(pointer).and_then(Json::as_u64).unwrap_or_default();
    let what = format!("{} {}", text(operation, "tenant_id"), text(operation, "kind"));
    match operation.get("move") {
        Some(moved) => {
            let message = moved.get("message").and_then(Json::as_str).unwrap_or_default();
            let words = format!(
                "rows, {}, {} rows/s, {} changes behind {message}",
                text(moved, "phase"),
                number("/move/rows_per_second"),
                number("/move/lag")
            );
            screen.progress(&what, number("/move/rows_done"), number("/move/rows_total"), &words);
        }
        None => {
            screen.progress(&what, number("/progress/step"), number("/progress/of"), text(operation, "step"));
        }
    }
}

/// An operation, for people.
pub fn told(operation: &Json) -> String {
    let mut lines = vec![format!(
        "{} {} of {}: {}, step {}",
        text(operation, "id"),
        text(operation, "kind"),
        text(operation, "tenant_id"),
        text(operation, "status"),
        text(operation, "step")
    )];
    lines.extend(operation.get("error").and_then(Json::as_str).map(|error| format!("  error: {error}")));
    if let Some(moved) = operation.get("move") {
        lines.extend(told_of_move(moved));
    }
    lines.join("\n")
}

fn told_of_move(moved: &Json) -> Vec<String> {
    let number = |name: &str| moved.get(name).and_then(Json::as_u64).unwrap_or_default();
    let flag = |name: &str| moved.get(name) == Some(&Json::Bool(true));
    let place = moved.pointer("/to/placement").and_then(Json::as_str).unwrap_or_default();
    let mut lines = vec![
        format!("  to {place}: {}{}", text(moved, "phase"), if flag("held") { ", paused" } else { "" }),
        format!(
            "  {} of {} rows copied, {} rows/s; {} changes brought, {} behind",
            count(number("rows_done")),
            count(number("rows_total")),
            count(number("rows_per_second")),
            count(number("changes_brought")),
            count(number("lag"))
        ),
    ];
    let pauses = moved.get("pauses_ms").and_then(Json::as_array).cloned().unwrap_or_default();
    if !pauses.is_empty() {
        let pauses = pauses.iter().map(|pause| format!("{pause} ms")).collect::<Vec<_>>().join(", ");
        lines.push(format!("  nobody could write for {pauses}"));
    }
    lines.extend(
        moved
            .get("rollback_until")
            .and_then(Json::as_str)
            .map(|until| format!("  can be rolled back until {until}")),
    );
    lines.extend(moved.get("message").and_then(Json::as_str).map(|message| format!("  {message}")));
    let differences = moved.get("differences").and_then(Json::as_array).cloned().unwrap_or_default();
    lines.extend(differences.iter().take(20).map(|found| format!("  differs: {}", differing(found))));
    lines
}

/// A row that differs, for people.
pub fn differing(found: &Json) -> String {
    let what = match text(found, "kind") {
        "missing" => "is missing on the other side",
        "surplus" => "is on the other side only",
        _ => "is different on the other side",
    };
    format!("table {}, row {} {what}", text(found, "table"), text(found, "key"))
}

/// `gatehouse status`: of an operation, a tenant, or everything.
///
/// # Errors
/// The server's refusal.
pub fn status(api: &Api<'_>, named: Option<&str>) -> Result<Outcome, Failure> {
    match named {
        Some(id) if id.starts_with("op_") => {
            let operation = get(api, &resolve(api, id)?)?;
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
            let lines = if rows.is_empty() {
                format!("{} tenants; nothing is on its way, and nothing has failed.", tenants.len())
            } else {
                table(["TENANT", "WHAT", "STATUS", "STEP", "OPERATION", "ERROR"], &rows)
            };
            Ok(outcome(lines, &busy, json!({"tenants": tenants.len(), "operations": busy})))
        }
    }
}

/// What failed is told by the exit code too.
fn outcome(text_of: String, operations: &[&Json], document: Json) -> Outcome {
    let failed = operations.iter().any(|operation| text(operation, "status") == "failed");
    Outcome { exit: if failed { Exit::Differences } else { Exit::Done }, text: text_of, document }
}
