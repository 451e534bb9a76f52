//! Operations: begun once, waited for, and told of.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure},
        screen::{Screen, count},
    },
    tenants::{self, text},
};
use crate::time::Lifetime;
use serde_json::Value as Json;

/// An id that begins so, which is checked before it becomes a part of a URL.
///
/// # Errors
/// It cannot be one.
pub fn check_id<'a>(prefix: &str, id: &'a str) -> Result<&'a str, Failure> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if id.starts_with(prefix) && id.len() > prefix.len() && id.chars().all(fits) {
        return Ok(id);
    }
    Err(Failure::Usage(format!("{id:?} is no id that begins with {prefix}")))
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

/// The operations of a tenant, newest first; of a deleted one too.
///
/// # Errors
/// The server's refusal.
pub fn of_tenant(api: &Api<'_>, tenant: &str) -> Result<Vec<Json>, Failure> {
    let answer = api.get(&format!("{}/operations?per_page=100", tenants::path(tenant)?))?;
    Ok(answer.get("operations").and_then(Json::as_array).cloned().unwrap_or_default())
}

/// The newest operation of a tenant, if there has been one.
fn newest(api: &Api<'_>, tenant: &str) -> Result<Option<Json>, Failure> {
    match of_tenant(api, tenant) {
        Ok(operations) => Ok(operations.into_iter().next()),
        Err(failure) if failure.is_status(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// How often a request that begins an operation is sent at most.
const ATTEMPTS: u32 = 3;

/// Begins an operation of a tenant, and never a second one: when no answer comes, or the tenant is busy, its newest
/// operation is taken up if it `is_ours`, which is told whether it has begun only now.
///
/// # Errors
/// The server's refusal, or that it does not answer.
pub fn begin(
    api: &Api<'_>,
    tenant: &str,
    (path, body): (&str, &Json),
    is_ours: &dyn Fn(&Json, bool) -> bool,
) -> Result<Json, Failure> {
    let before = newest(api, tenant)?;
    let id = |operation: &Json| text(operation, "id").to_owned();
    let mut attempt = 1;
    loop {
        let failure = match api.post_once(path, body) {
            Ok(operation) => return Ok(operation),
            Err(failure) => failure,
        };
        let lost = failure.exit() == Exit::Unreachable;
        if !lost && !failure.is_status(409) {
            return Err(failure);
        }
        let is_new = |operation: &Json| before.as_ref().is_none_or(|before| id(before) != id(operation));
        match newest(api, tenant)?.filter(|operation| is_ours(operation, is_new(operation))) {
            Some(operation) if !lost || is_new(&operation) => return Ok(operation),
            _ if lost && attempt < ATTEMPTS => attempt += 1,
            _ => return Err(failure),
        }
    }
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

/// Whether nothing is left to do.
pub fn is_over(operation: &Json) -> bool {
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
///
/// # Errors
/// The server's refusal.
pub fn watch_end(api: &Api<'_>, screen: &mut Screen<'_>, id: &str) -> Result<Json, Failure> {
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
    match operation.get("move") {
        Some(moved) => lines.extend(told_of_move(moved)),
        None => {
            lines.extend(operation.get("message").and_then(Json::as_str).map(|words| format!("  {words}")))
        }
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
