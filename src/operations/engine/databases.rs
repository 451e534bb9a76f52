//! Steps on databases: where a tenant's database comes from, and where it goes.

use super::{Done, Work};
use crate::{
    access::Shared,
    db::schema,
    error::Fault,
    operations::{plan::Trouble, store},
    platform::Platform,
    tenant::{DirectoryDb, store::set_schema_version},
    time::Timestamp,
};

/// How many databases of the pool one tick migrates.
const MIGRATED_PER_TICK: i64 = 3;

/// Claims a database of the pool; failing that, writes down the one that will be made.
pub(super) async fn choose(work: &Work<'_>) -> Result<Done, Trouble> {
    let (shared, operation) = (work.shared, work.operation);
    if let Some(held) = &operation.tenant.database {
        return Ok(Done::with([]).detail(held.name.as_str()));
    }
    let directory = shared.directory.db(work.meter)?;
    let bindings = shared.platform.bindings();
    let outcomes = directory.commit(store::claim(operation, work.holder, &bindings, work.now)).await?;
    if let Some(row) = outcomes.last().and_then(|outcome| outcome.rows.first()) {
        return Ok(Done::with([]).detail(row.text("database_id")?));
    }
    Err(Trouble::Never { why: "the pool is empty and no API token is set".to_owned() })
}

/// Brings the tenant's database to the newest schema.
pub(super) async fn migrate(work: &Work<'_>) -> Result<Done, Trouble> {
    let (database, version) = (&work.held()?.database, schema::version(schema::TENANT));
    if database.schema_version >= version {
        return Ok(Done::skipped());
    }
    schema::migrate(work.shared.directory.reach(database)?.as_ref(), schema::TENANT).await?;
    Ok(Done::with([set_schema_version(&database.id, version)]))
}

/// Registers the databases that `wrangler.toml` declares by now, and migrates free ones ahead of time, so that claiming
/// one is all that a new tenant waits for.
pub(super) async fn prepare_pool(
    shared: &Shared,
    directory: &DirectoryDb,
    now: Timestamp,
) -> Result<(), Fault> {
    register_declared(shared.platform.as_ref(), directory, now).await?;
    let version = schema::version(schema::TENANT);
    for row in directory.all(store::free_and_old(version, MIGRATED_PER_TICK)).await? {
        let database = store::read_database(&row)?;
        // One that the script is not bound to any more is nobody's problem until it is again.
        let Ok(driver) = shared.directory.reach(&database) else { continue };
        schema::migrate(driver.as_ref(), schema::TENANT).await?;
        directory.commit([set_schema_version(&database.id, version)]).await?;
    }
    Ok(())
}

/// Enters the shared database and the pool, as far as they are not entered yet.
///
/// # Errors
/// A fault of the directory.
pub(in crate::operations) async fn register_declared(
    platform: &dyn Platform,
    directory: &DirectoryDb,
    now: Timestamp,
) -> Result<(), Fault> {
    let declared =
        platform.bindings().into_iter().filter(|name| name == "SHARED" || name.starts_with("POOL_"));
    directory.commit(declared.map(|name| store::register(&name, name == "SHARED", now))).await.map(drop)
}
