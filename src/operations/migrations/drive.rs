//! What goes on with a migration whenever its alarm clock rings: looks at the moves under way, writes down what came of
//! them, and begins others. Two instances may do this at once: each tenant is taken by one of them, and each of its
//! moves has its id before it begins.

use super::{
    model::{Migration, Status},
    store,
};
use crate::{
    access::{Shared, log_fault},
    db::{Meter, Row},
    error::Fault,
    id::{OperationId, TenantId, random_text},
    operations::{
        engine,
        moves::{
            begin::{BeginError, begin},
            goal::Command,
        },
    },
    platform::Platform,
    time::{Lifetime, Timestamp},
};

/// How soon it looks again while something moves.
const POLL_INTERVAL: Lifetime = Lifetime::seconds(2);

/// Failed attempts in a row after which a move counts as failed. It goes on trying by itself; nobody waits for it.
const MAX_ATTEMPTS: i64 = 4;

/// Goes on with a migration. Answers when to come back, or nothing if nothing is left to do.
///
/// # Errors
/// A fault of the directory.
pub async fn advance(shared: &Shared, id: &OperationId) -> Result<Option<Timestamp>, Fault> {
    let meter = Meter::default();
    let directory = shared.directory.db(&meter)?;
    let now = shared.platform.now();
    let Some(migration) = load(shared, id.as_str(), &meter).await? else { return Ok(None) };
    let rows = directory.all(store::moving(&migration.id, migration.wanted.parallelism)).await?;
    let mut settled = Vec::new();
    for row in &rows {
        if let Some((status, why)) = outcome(row)? {
            let position = row.int("position")?;
            settled.push(store::settle(&migration.id, position, status, why.as_deref(), now));
        } else if row.optional_text("status")?.is_none() {
            // Taken by an instance that died before the move began.
            start(shared, &migration, row, &meter).await?;
        }
    }
    directory.commit(settled).await?;
    let Some(migration) = load(shared, id.as_str(), &meter).await? else { return Ok(None) };
    let [waiting, moving, _, failed] = migration.counts;
    if migration.status == Status::Running && failed > 0 && migration.wanted.stop_on_failure {
        let pause = store::set_status(&migration.id, &[Status::Running], Status::Paused, now);
        directory.commit([pause]).await?;
    } else if migration.status == Status::Running && waiting > 0 {
        let free = (migration.wanted.parallelism - moving).clamp(0, waiting);
        let ids: Vec<_> = (0..free).map(|_| new_id(shared.platform.as_ref())).collect();
        let taken =
            directory.commit(store::take(&migration.id, migration.wanted.parallelism, &ids, now)).await?;
        for row in taken.iter().flat_map(|outcome| &outcome.rows) {
            start(shared, &migration, row, &meter).await?;
        }
    } else if migration.status == Status::Running && moving == 0 {
        let end = if failed > 0 { Status::Failed } else { Status::Succeeded };
        directory.commit([store::set_status(&migration.id, &[Status::Running], end, now)]).await?;
        return Ok(None);
    }
    Ok((migration.status == Status::Running || moving > 0).then(|| now.plus(POLL_INTERVAL)))
}

/// What the clock does every few minutes: has those gone on with whose alarm clock was lost.
///
/// # Errors
/// A fault of the directory.
pub async fn tick(shared: &Shared) -> Result<(), Fault> {
    let meter = Meter::default();
    for row in shared.directory.db(&meter)?.all(store::running(PER_TICK)).await? {
        let id = OperationId::new(row.text("id")?);
        if let Some(at) = advance(shared, &id).await? {
            shared.platform.wake(&id, at).await?;
        }
    }
    Ok(())
}

/// How many migrations one tick goes on with.
const PER_TICK: i64 = 5;

async fn load(shared: &Shared, id: &str, meter: &Meter) -> Result<Option<Migration>, Fault> {
    let row = shared.directory.db(meter)?.first(store::by_id(id)).await?;
    let migration = row.as_ref().map(store::migration).transpose()?;
    Ok(migration.filter(|migration| matches!(migration.status, Status::Running | Status::Paused)))
}

fn new_id(platform: &dyn Platform) -> OperationId {
    OperationId::new(format!("op_{}", random_text(platform, 16)))
}

/// What came of a move, if that can be said: it has arrived, or it cannot go on by itself.
fn outcome(row: &Row) -> Result<Option<(&'static str, Option<String>)>, Fault> {
    let Some(status) = row.optional_text("status")? else { return Ok(None) };
    if row.optional_time("switched_at")?.is_some() || status == "succeeded" {
        return Ok(Some(("moved", None)));
    }
    let error = row.optional_text("error")?.unwrap_or_else(|| "it was ended".to_owned());
    if status == "failed" || status == "cancelled" {
        return Ok(Some(("failed", Some(error))));
    }
    if row.optional_text("wanted")?.as_deref() == Some(Command::Return.as_str()) {
        return Ok(Some(("failed", Some("an operator has taken it back".to_owned()))));
    }
    let differs = row.flag("held")? && row.text("progress")?.contains("\"differences\"");
    let tired = row.int("attempt")? >= MAX_ATTEMPTS && row.text("step")? == "move";
    Ok((differs || tired).then_some(("failed", Some(error))))
}

/// Begins the move of a tenant that was taken, or writes down why it cannot begin.
async fn start(shared: &Shared, migration: &Migration, row: &Row, meter: &Meter) -> Result<(), Fault> {
    let now = shared.platform.now();
    let (position, text) = (row.int("position")?, row.text("tenant_id")?);
    let id = OperationId::new(row.text("operation_id")?);
    let begun = match TenantId::parse(&text) {
        None => Err("The tenant does not exist".to_owned()),
        Some(tenant) => {
            let new = migration.wanted.to.one();
            match begin(shared, &id, &tenant, new, &migration.initiated_by, meter, now).await {
                Ok(_) => Ok(()),
                Err(BeginError::Hindered(hindrance)) => Err(hindrance.words()),
                Err(BeginError::Fault(fault)) => {
                    log_fault(shared.platform.as_ref(), id.as_str(), &text, &fault);
                    // It may have begun: whoever looks next finds it, or begins it.
                    return Ok(());
                }
            }
        }
    };
    if let Err(why) = begun {
        let directory = shared.directory.db(meter)?;
        // Somebody else may have begun this very move.
        if directory.first(engine::store::progress(&id)).await?.is_none() {
            directory.commit([store::settle(&migration.id, position, "failed", Some(&why), now)]).await?;
        }
    }
    Ok(())
}
