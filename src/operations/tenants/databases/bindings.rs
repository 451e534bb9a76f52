//! Steps on the bindings of the script: one change at a time, whoever makes it, for all databases that wait for one.

use super::store;
use crate::{
    access::Shared,
    cloudflare::{
        Api, Kind, Problem,
        bindings::{Attachment, check, list_for},
    },
    db::Meter,
    error::Fault,
    operations::engine::{
        StepContext,
        procedure::Done,
        retry::{SETTLING, StepError},
    },
    platform::{Answer, Ask},
    tenant::Directory,
    time::{Lifetime, Timestamp},
};

/// What is leased from the coordinator while the bindings are changed: a list that was read before another change would
/// undo it.
const LEASE: &str = "bindings";

/// How long it is leased. The change is sent in the first half, so that it has taken effect, or never will, when the lease
/// ends by itself.
const LEASED_MS: i64 = 2 * SETTLING.as_millis();

/// Binds the script to the tenant's database.
pub async fn attach(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let changed = reconcile(cx.shared, &cx.api()?, &cx.name(), cx.deadline(), cx.meter).await?;
    let done = Done::with([store::set_attached(&cx.assigned()?.database.id, cx.now)]);
    Ok(if changed { done } else { done.detail("another operation did it") })
}

/// Has the script let go of the tenant's database.
pub async fn detach(cx: &StepContext<'_>) -> Result<Done, StepError> {
    if cx.assigned()?.database.uuid.is_none() {
        return Ok(Done::skipped());
    }
    reconcile(cx.shared, &cx.api()?, &cx.name(), cx.deadline(), cx.meter).await?;
    Ok(Done::with([]))
}

impl StepContext<'_> {
    /// Who holds a lease for this step: another instance at the same step is another holder.
    fn name(&self) -> String {
        format!("{} {}", self.operation.id, self.holder)
    }
}

/// Brings the bindings of the script to what the directory says, for every database that waits for it; nothing is sent
/// after `deadline`. Answers whether anything had to be changed.
pub async fn reconcile(
    shared: &Shared,
    api: &Api,
    holder: &str,
    deadline: Timestamp,
    meter: &Meter,
) -> Result<bool, StepError> {
    let platform = shared.platform.as_ref();
    let (name, holder, leased_at) = (LEASE.to_owned(), holder.to_owned(), platform.now());
    let ask = Ask::Acquire { name: name.clone(), holder: holder.clone(), for_ms: LEASED_MS };
    if let Answer::Wait { ms } = platform.coordinate(ask).await? {
        let until = leased_at.plus(Lifetime::milliseconds(ms));
        return Err(StepError::Wait {
            until,
            why: "another change of the bindings is on its way".to_owned(),
        });
    }
    let deadline = deadline.min(leased_at.plus(SETTLING));
    let (result, settled) = change(shared, api, deadline, meter).await;
    // What may still be on its way must not meet the next change: then the lease is left to end by itself.
    if settled {
        platform.coordinate(Ask::Release { name, holder }).await?;
    }
    result
}

/// Makes the change, and says whether everything that was sent has been answered or seen to have happened.
async fn change(
    shared: &Shared,
    api: &Api,
    deadline: Timestamp,
    meter: &Meter,
) -> (Result<bool, StepError>, bool) {
    let error = |problem| StepError::of(problem, shared.platform.now());
    let wanted = match wanted(&shared.directory, meter).await {
        Ok(wanted) => wanted,
        Err(fault) => return (Err(fault.into()), true),
    };
    let before = match api.bindings().await {
        Ok(before) => before,
        Err(problem) => return (Err(error(problem)), true),
    };
    let Some(list) = list_for(&before, &wanted) else { return (Ok(false), true) };
    let sent = api.set_bindings(&list, deadline).await;
    let settled = !matches!(sent, Err(Problem { kind: Kind::Unknown, .. }));
    if settled && let Err(problem) = sent {
        return (Err(error(problem)), true);
    }
    let after = match api.bindings().await {
        Ok(after) => after,
        Err(problem) => return (Err(error(problem)), settled),
    };
    match (check(&before, &after, &wanted), sent) {
        (Ok(()), _) => (Ok(true), true),
        (Err(_), Err(problem)) => (Err(error(problem)), settled),
        (Err(why), Ok(())) => (Err(StepError::Retry { why, not_before: None }), settled),
    }
}

/// What the directory says the script should be bound to.
pub async fn wanted(directory: &Directory, meter: &Meter) -> Result<Vec<Attachment>, Fault> {
    let rows = directory.db(meter)?.all(store::wanted_bindings()).await?;
    rows.iter().map(|row| Ok(Attachment { name: row.text("binding")?, uuid: row.text("uuid")? })).collect()
}
