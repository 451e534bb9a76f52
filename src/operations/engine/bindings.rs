//! Steps on the bindings of the script: one change at a time, whoever makes it, for all databases that wait for one.

use super::{Done, Work};
use crate::{
    cloudflare::{
        Api, Kind, Problem,
        bindings::{Attachment, check, list_for},
    },
    error::Fault,
    operations::{
        plan::{SETTLING, Trouble},
        store,
    },
    platform::{Answer, Ask},
    time::{Lifetime, Timestamp},
};

/// What is leased from the coordinator while the bindings are changed: a list that was read before another change would
/// undo it.
const LEASE: &str = "bindings";

/// How long it is leased. The change is sent in the first half, so that it has taken effect, or never will, when the lease
/// ends by itself.
const LEASED_MS: i64 = 2 * SETTLING.as_millis();

/// Binds the script to the tenant's database.
pub(super) async fn attach(work: &Work<'_>) -> Result<Done, Trouble> {
    let changed = reconcile(work).await?;
    let done = Done::with([store::set_attached(&work.held()?.database.id, work.now)]);
    Ok(if changed { done } else { done.detail("another operation did it") })
}

/// Has the script let go of the tenant's database.
pub(super) async fn detach(work: &Work<'_>) -> Result<Done, Trouble> {
    if work.held()?.database.uuid.is_none() {
        return Ok(Done::skipped());
    }
    reconcile(work).await?;
    Ok(Done::with([]))
}

/// Brings the bindings of the script to what the directory says, for every database that waits for it. Answers whether
/// anything had to be changed.
async fn reconcile(work: &Work<'_>) -> Result<bool, Trouble> {
    let (api, platform) = (work.api()?, work.shared.platform.as_ref());
    let name = LEASE.to_owned();
    let holder = format!("{} {}", work.operation.id, work.holder);
    let leased_at = platform.now();
    let ask = Ask::Acquire { name: name.clone(), holder: holder.clone(), for_ms: LEASED_MS };
    if let Answer::Wait { ms } = platform.coordinate(ask).await? {
        let until = leased_at.plus(Lifetime::milliseconds(ms));
        return Err(Trouble::Wait { until, why: "another change of the bindings is on its way".to_owned() });
    }
    let (result, settled) = change(work, &api, leased_at).await;
    // What may still be on its way must not meet the next change: then the lease is left to end by itself.
    if settled {
        platform.coordinate(Ask::Release { name, holder }).await?;
    }
    result
}

/// Makes the change, and says whether everything that was sent has been answered or seen to have happened.
async fn change(work: &Work<'_>, api: &Api, leased_at: Timestamp) -> (Result<bool, Trouble>, bool) {
    let read = async {
        let rows = work.shared.directory.db(work.meter)?.all(store::wanted_bindings()).await?;
        let wanted =
            rows.iter().map(|row| Ok(Attachment { name: row.text("binding")?, uuid: row.text("uuid")? }));
        let wanted = wanted.collect::<Result<Vec<_>, Fault>>()?;
        let before = api.bindings().await.map_err(|problem| work.trouble(problem))?;
        Ok::<_, Trouble>((wanted, before))
    };
    let (wanted, before) = match read.await {
        Ok(read) => read,
        Err(trouble) => return (Err(trouble), true),
    };
    let Some(list) = list_for(&before, &wanted) else { return (Ok(false), true) };
    let sent = api.set_bindings(&list, work.deadline().min(leased_at.plus(SETTLING))).await;
    let settled = !matches!(sent, Err(Problem { kind: Kind::Unknown, .. }));
    if settled && let Err(problem) = sent {
        return (Err(work.trouble(problem)), true);
    }
    let after = match api.bindings().await {
        Ok(after) => after,
        Err(problem) => return (Err(work.trouble(problem)), settled),
    };
    match (check(&before, &after, &wanted), sent) {
        (Ok(()), _) => (Ok(true), true),
        (Err(_), Err(problem)) => (Err(work.trouble(problem)), settled),
        (Err(why), Ok(())) => (Err(Trouble::Retry { why, not_before: None }), settled),
    }
}
