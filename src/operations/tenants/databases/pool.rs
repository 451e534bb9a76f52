//! What the clock does for databases: registers what `wrangler.toml` declares, keeps the pool migrated and filled, and the
//! script bound to what the directory says.

use super::{bindings, steps::find_or_make, store};
use crate::{
    access::{Shared, log_fault},
    cloudflare::{
        Api, Problem,
        bindings::{Attachment, PREFIX},
        databases::Place,
    },
    config::CloudflareConfig,
    db::Meter,
    error::Fault,
    id::random_text,
    operations::{
        engine::retry::{SETTLING, StepError},
        tenants::spare_keys,
    },
    platform::{Answer, Ask, Platform},
    tenant::{
        DirectoryDb,
        store::{Database, set_schema_version},
    },
    time::Timestamp,
};
use std::rc::Rc;

/// How many databases of the pool one tick migrates, and how many it makes.
const PER_TICK: i64 = 3;

/// What is leased from the coordinator while the pool is filled.
const LEASE: &str = "pool";

/// Keeps databases as they should be. What the Cloudflare API refuses is logged, and tried again by the next tick.
///
/// # Errors
/// A fault of the directory, or of a database of the pool.
pub async fn tend(shared: &Shared, meter: &Meter) -> Result<(), Fault> {
    let directory = shared.directory.db(meter)?;
    register_declared(shared.platform.as_ref(), &directory, shared.platform.now()).await?;
    migrate_free(shared, &directory).await?;
    spare_keys::refill(shared, meter).await?;
    let Some(config) = &shared.config.cloudflare else { return Ok(()) };
    let keeper = Keeper::new(shared, config, meter);
    let tended = match keeper.fill(&directory).await {
        Ok(()) => keeper.rebind().await,
        error => error,
    };
    match tended {
        Ok(()) | Err(StepError::Wait { .. }) => {}
        Err(StepError::Fault(fault)) => return Err(fault),
        Err(error @ (StepError::Retry { .. } | StepError::Never { .. })) => {
            log_fault(shared.platform.as_ref(), "tick", "", &Fault::unavailable(error.words()));
        }
    }
    Ok(())
}

/// Enters the shared database and the pool, as far as they are not entered yet.
///
/// # Errors
/// A fault of the directory.
pub async fn register_declared(
    platform: &dyn Platform,
    directory: &DirectoryDb,
    now: Timestamp,
) -> Result<(), Fault> {
    let declared =
        platform.bindings().into_iter().filter(|name| name == "SHARED" || name.starts_with("POOL_"));
    directory.commit(declared.map(|name| store::register(&name, name == "SHARED", now))).await.map(drop)
}

/// Migrates free databases ahead of time, so that claiming one is all that a new tenant waits for.
async fn migrate_free(shared: &Shared, directory: &DirectoryDb) -> Result<(), Fault> {
    let schema = shared.config.schema;
    let version = schema.version();
    for row in directory.all(store::free_and_old(version, PER_TICK)).await? {
        let database = store::read_database(&row)?;
        // One that the script is not bound to any more is nobody's problem until it is again.
        let Ok(driver) = shared.directory.reach(&database) else { continue };
        schema.migrate(driver.as_ref()).await?;
        directory.commit([set_schema_version(&database.id, version)]).await?;
    }
    Ok(())
}

/// What one tick does through the API.
struct Keeper<'a> {
    shared: &'a Shared,
    config: &'a CloudflareConfig,
    api: Api,
    holder: String,
    meter: &'a Meter,
    /// Nothing is sent after it: the leases end [`SETTLING`] later.
    deadline: Timestamp,
}

impl<'a> Keeper<'a> {
    fn new(shared: &'a Shared, config: &'a CloudflareConfig, meter: &'a Meter) -> Self {
        let platform = &shared.platform;
        Self {
            shared,
            config,
            api: Api::new(Rc::clone(platform), config.clone()),
            holder: format!("tick {}", random_text(platform.as_ref(), 16)),
            meter,
            deadline: platform.now().plus(SETTLING),
        }
    }

    fn error(&self, problem: Problem) -> StepError {
        StepError::of(problem, self.shared.platform.now())
    }

    /// Makes databases until as many are free as the operator wants. Each is written down before it is made, and one that
    /// an earlier tick began is finished first, so none is lost and none is made twice.
    async fn fill(&self, directory: &DirectoryDb) -> Result<(), StepError> {
        let platform = self.shared.platform.as_ref();
        let (name, holder) = (LEASE.to_owned(), self.holder.clone());
        let for_ms = 2 * SETTLING.as_millis();
        let ask = Ask::Acquire { name: name.clone(), holder: holder.clone(), for_ms };
        if platform.coordinate(ask).await? != Answer::Granted {
            return Ok(());
        }
        let missing = store::intend_spares(&self.spares(), self.config.pool_free, platform.now());
        directory.commit(missing).await?;
        for row in directory.all(store::begun_spares(PER_TICK)).await? {
            self.finish(directory, &row.text("name")?, store::read_database(&row)?).await?;
        }
        platform.coordinate(Ask::Release { name, holder }).await?;
        Ok(())
    }

    /// Names and bindings for databases that might be made now.
    fn spares(&self) -> Vec<(String, String)> {
        let script: String = self.config.script_name.chars().take(20).collect();
        let one = |_| {
            let suffix = random_text(self.shared.platform.as_ref(), 16);
            let name = format!("{script}-pool-{suffix}").to_ascii_lowercase();
            (name, format!("{PREFIX}{}", suffix.to_ascii_uppercase()))
        };
        (0..PER_TICK).map(one).collect()
    }

    /// Brings a database that was written down to where a tenant can claim it.
    async fn finish(
        &self,
        directory: &DirectoryDb,
        name: &str,
        mut database: Database,
    ) -> Result<(), StepError> {
        let now = || self.shared.platform.now();
        if database.uuid.is_none() {
            let made = find_or_make(&self.api, name, Place::Anywhere, self.deadline).await;
            let uuid = made.map_err(|problem| self.error(problem))?;
            directory.commit([store::set_uuid(&database.id, &uuid, now())]).await?;
            database.uuid = Some(uuid);
        }
        let schema = self.shared.config.schema;
        schema.migrate(self.shared.directory.reach(&database)?.as_ref()).await?;
        directory.commit([set_schema_version(&database.id, schema.version())]).await?;
        bindings::reconcile(self.shared, &self.api, &self.holder, self.deadline, self.meter).await?;
        directory.commit([store::set_free(&database.id, now())]).await?;
        Ok(())
    }

    /// Binds the script again to what it has lost, by a deploy or a rollback. Asks the API only if the running script
    /// is not bound to what the directory says.
    async fn rebind(&self) -> Result<(), StepError> {
        let wanted = bindings::wanted(&self.shared.directory, self.meter).await?;
        let bound = self.shared.platform.bindings();
        let ours = bound.iter().filter(|name| name.starts_with(PREFIX)).count();
        let is_bound = |attachment: &Attachment| bound.contains(&attachment.name);
        if ours == wanted.len() && wanted.iter().all(is_bound) {
            return Ok(());
        }
        bindings::reconcile(self.shared, &self.api, &self.holder, self.deadline, self.meter).await.map(drop)
    }
}
