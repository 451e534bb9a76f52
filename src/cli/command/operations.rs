//! Operations: begun once, waited for, and told of.

use super::{
    super::{
        answer::Answered,
        api::Api,
        exit::{Exit, Failure},
        screen::{Screen, count},
    },
    tenants,
};
use crate::{
    operations::{
        engine::{model::Progress, view::OperationView},
        moves::{
            progress::{Differing, MoveView},
            rows::Kind,
        },
    },
    time::{Lifetime, Timestamp},
};
use serde::Deserialize;
use serde_json::Value as Json;
use std::ops::Deref;

/// An operation, with what its procedure adds.
#[derive(Debug, Clone, Deserialize)]
pub struct Details {
    #[serde(flatten)]
    view: OperationView,
    /// How far the move is.
    #[serde(rename = "move")]
    pub moved: Option<MoveView>,
    /// The archive that it makes, or restores.
    pub backup: Option<String>,
    /// The moment that its database goes back to.
    pub timestamp: Option<Timestamp>,
}

impl Deref for Details {
    type Target = OperationView;

    fn deref(&self) -> &OperationView {
        &self.view
    }
}

/// An operation, as the server shows it.
pub type Operation = Answered<Details>;

impl Details {
    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.finished_at.is_some()
    }

    /// Why it failed.
    pub fn why(&self) -> &str {
        self.error.as_deref().unwrap_or("no reason given")
    }
}

/// A page of operations.
#[derive(Deserialize)]
struct Page {
    operations: Vec<Operation>,
}

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
pub fn of_tenant(api: &Api<'_>, tenant: &str) -> Result<Vec<Operation>, Failure> {
    let page: Page = api.get(&format!("{}/operations?per_page=100", tenants::path(tenant)?))?;
    Ok(page.operations)
}

/// The newest operation of a tenant, if there has been one.
fn newest(api: &Api<'_>, tenant: &str) -> Result<Option<Operation>, Failure> {
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
    is_ours: &dyn Fn(&Details, bool) -> bool,
) -> Result<Operation, Failure> {
    let before = newest(api, tenant)?;
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
        let is_new = |operation: &Details| before.as_ref().is_none_or(|before| before.id != operation.id);
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
    let running = operations.iter().find(|operation| operation.kind == "move" && !operation.is_over());
    let Some(running) = running else { return Ok(None) };
    let operation = get(api, running.id.as_str())?;
    let goes_there = operation.moved.as_ref().is_some_and(|moved| moved.to.placement.as_str() == placement);
    Ok(goes_there.then(|| operation.id.to_string()))
}

/// An operation with its history.
///
/// # Errors
/// The server's refusal.
pub fn get(api: &Api<'_>, id: &str) -> Result<Operation, Failure> {
    api.get(&format!("/management/operations/{id}"))
}

/// Waits, and shows how far it is.
///
/// # Errors
/// It failed, or was paused, or stands before rows that differ.
pub fn watch(api: &Api<'_>, screen: &mut Screen<'_>, id: &str, until: Until) -> Result<Operation, Failure> {
    loop {
        let operation = get(api, id)?;
        if matches!(operation.status, Progress::Failed | Progress::Cancelled) {
            let (kind, status) = (&operation.kind, operation.status.as_str());
            return Err(Failure::Other(format!("{kind} {id} {status}: {}", operation.why())));
        }
        let is_there = |moved: &MoveView| {
            let follows = moved.phase == "following";
            match until {
                Until::Arrived => moved.arrived,
                Until::Ready => moved.arrived || follows,
                Until::Returned => !moved.arrived && follows,
                Until::Over => false,
            }
        };
        if operation.moved.as_ref().is_some_and(is_there) || operation.is_over() {
            return Ok(operation);
        }
        if operation.moved.as_ref().is_some_and(|moved| moved.held) {
            return Err(Failure::Other(format!("{id} is paused: gatehouse operation resume {id}")));
        }
        let differing = operation.moved.as_ref().map_or(0, |moved| moved.differences.len());
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
pub fn watch_end(api: &Api<'_>, screen: &mut Screen<'_>, id: &str) -> Result<Operation, Failure> {
    loop {
        let operation = get(api, id)?;
        if operation.is_over() {
            return Ok(operation);
        }
        show(screen, &operation);
        api.environment().pause(Lifetime::seconds(1));
    }
}

fn show(screen: &mut Screen<'_>, operation: &Details) {
    let what = format!("{} {}", operation.tenant_id, operation.kind);
    match &operation.moved {
        Some(moved) => {
            let words = format!(
                "rows, {}, {} rows/s, {} changes behind {}",
                moved.phase,
                moved.rows_per_second.unwrap_or_default(),
                moved.lag.max(0),
                moved.message.as_deref().unwrap_or_default()
            );
            screen.progress(&what, moved.rows_done, moved.rows_total.unsigned_abs(), &words);
        }
        None => {
            let number = |steps: usize| u64::try_from(steps).unwrap_or_default();
            let (step, of) = (number(operation.progress.step), number(operation.progress.of));
            screen.progress(&what, step, of, &operation.step);
        }
    }
}

/// An operation, for people.
pub fn describe(operation: &Details) -> String {
    let mut lines = vec![format!(
        "{} {} of {}: {}, step {}",
        operation.id,
        operation.kind,
        operation.tenant_id,
        operation.status.as_str(),
        operation.step
    )];
    lines.extend(operation.error.as_ref().map(|error| format!("  error: {error}")));
    match &operation.moved {
        Some(moved) => lines.extend(describe_move(moved)),
        None => lines.extend(operation.message.as_ref().map(|words| format!("  {words}"))),
    }
    lines.join("\n")
}

fn describe_move(moved: &MoveView) -> Vec<String> {
    let paused = if moved.held { ", paused" } else { "" };
    let mut lines = vec![
        format!("  to {}: {}{paused}", moved.to.placement.as_str(), moved.phase),
        format!(
            "  {} of {} rows copied, {} rows/s; {} changes brought, {} behind",
            count(moved.rows_done),
            count(moved.rows_total.unsigned_abs()),
            count(moved.rows_per_second.unwrap_or_default()),
            count(moved.changes_brought),
            count(moved.lag.max(0).unsigned_abs())
        ),
    ];
    if !moved.pauses_ms.is_empty() {
        let pauses = moved.pauses_ms.iter().map(|pause| format!("{pause} ms")).collect::<Vec<_>>().join(", ");
        lines.push(format!("  nobody could write for {pauses}"));
    }
    lines.extend(moved.rollback_until.map(|until| format!("  can be rolled back until {}", until.iso())));
    lines.extend(moved.message.as_ref().map(|message| format!("  {message}")));
    lines.extend(moved.differences.iter().take(20).map(|found| format!("  differs: {}", differing(found))));
    lines
}

/// A row that differs, for people.
pub fn differing(found: &Differing) -> String {
    let what = match found.kind {
        Kind::Missing => "is missing on the other side",
        Kind::Surplus => "is on the other side only",
        Kind::Changed => "is different on the other side",
    };
    format!("table {}, row {} {what}", found.table, found.key)
}
