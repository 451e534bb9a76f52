//! Steps on rows: those of the tenant itself, and those of its organization on the main tenant.

pub mod store;

use super::{Done, Work};
use crate::{
    error::{Fault, FaultKind},
    id::{OrganizationId, RoleId},
    operations::{model::Origin, plan::Trouble, seed, store::set_free},
    resources::{
        organizations::{self, model::Organization},
        roles,
    },
    tenant::{TenantDb, store::set_schema_version},
    time::Lifetime,
};

/// Rows deleted of each table in one transaction: far fewer than D1 deletes in the 30 s that a query may take.
const CHUNK: u64 = 1_000;

/// How long one call deletes rows.
const WIPING: Lifetime = Lifetime::seconds(4);

/// Writes and reads back on the way that requests will take, and raises the tenant's fence with it.
pub(super) async fn verify(work: &Work<'_>) -> Result<Done, Trouble> {
    let epoch = work.operation.tenant.epoch;
    let (db, database) = (work.db()?, &work.held()?.database);
    let schema = work.shared.config.schema;
    // This release may have come since an older one has migrated it.
    let is_behind = database.schema_version < schema.version();
    if is_behind {
        schema.migrate(db.driver().as_ref()).await?;
    }
    let outcomes = db.commit([store::raise_fence(epoch, "provisioned"), store::fence().into()]).await?;
    let row = outcomes.get(1).and_then(|outcome| outcome.rows.first());
    let row = row.ok_or_else(|| Fault::internal("what was written was not read back"))?;
    let (read, version) = (row.int("epoch")?, row.int("version")?);
    if read != epoch || version < schema.version() {
        let why = format!("the database answered epoch {read} and schema {version}");
        return Err(Trouble::Retry { why, not_before: None });
    }
    Ok(Done::with(is_behind.then(|| set_schema_version(&database.id, version))))
}

/// Gives the tenant what every tenant is born with.
pub(super) async fn seed(work: &Work<'_>) -> Result<Done, Trouble> {
    let (shared, tenant) = (work.shared, &work.operation.tenant);
    let issuer = shared.directory.issuer(&tenant.id);
    let db = work.db()?;
    if work.operation.input.restore.is_some() {
        seed::restored(shared, &tenant.id, &db, work.meter, work.now).await?;
        return Ok(Done::with([]));
    }
    seed::tenant(shared, &tenant.id, &issuer, &tenant.friendly_name, &db, work.meter, work.now).await?;
    Ok(Done::with([]))
}

/// Makes the tenant's organization on the main tenant, and its first administrator a member: one transaction, so it is
/// there whole or not at all.
pub(super) async fn organize(work: &Work<'_>) -> Result<Done, Trouble> {
    let tenant = &work.operation.tenant;
    let id = work.organization()?;
    let organization = Organization {
        id: id.clone(),
        name: tenant.id.to_string(),
        display_name: Some(tenant.friendly_name.clone()),
        document: organizations::model::Document::default(),
    };
    let mut batch = vec![organizations::store::insert(&organization, work.now)?];
    if let Some(user) = &work.operation.input.administrator {
        let role = RoleId::new(roles::store::TENANT_ADMIN_ROLE);
        batch.push(organizations::store::add_member(id, user, work.now));
        batch.push(roles::store::assign(user, Some(id), &role, work.now));
    }
    let main = work.main().await?;
    // Nothing may be awaited between this look at the clock and the commit: whoever undoes this must not come before it.
    let now = work.shared.platform.now();
    if now > work.deadline() {
        return Err(Trouble::Wait {
            until: now,
            why: "this instance was too slow; another one goes on".to_owned(),
        });
    }
    match main.commit(batch).await {
        Ok(_) => Ok(Done::with([])),
        Err(Fault { kind: FaultKind::Conflict(_), .. }) => {
            // An earlier attempt made it, or it is not ours: then whoever made it must not get the tenant with it.
            if main.first(organizations::store::by_id(id)).await?.is_some() {
                return Ok(Done::with([]));
            }
            Err(Trouble::Never {
                why: format!("the main tenant has another organization named {}", tenant.id),
            })
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Removes the tenant's organization from the main tenant, with its members and what they hold there.
pub(super) async fn withdraw(work: &Work<'_>) -> Result<Done, Trouble> {
    work.main().await?.commit(organizations::store::remove(work.organization()?)).await?;
    Ok(Done::with([]))
}

/// Deletes every row of the tenant from a database that stays, behind a fence that refuses late writes. A database that
/// was never migrated holds nothing.
pub(super) async fn wipe(work: &Work<'_>) -> Result<Done, Trouble> {
    let (epoch, held) = (work.operation.tenant.epoch, work.held()?);
    let free = (held.origin == Origin::Pool).then(|| set_free(&held.database.id, work.now));
    if held.database.schema_version == 0 {
        return Ok(Done::with(free));
    }
    let db = work.db()?;
    // A table that this release knows must be there to be emptied.
    let schema = work.shared.config.schema;
    schema.migrate(db.driver().as_ref()).await?;
    // What belongs to the database stays: it holds no data, and guards what comes after.
    let tables = schema.moved();
    let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let mut removed = 0;
    loop {
        let purges = tables.iter().map(|table| store::purge(table, limit));
        let outcomes = db.commit([store::raise_fence(epoch, "removed")].into_iter().chain(purges)).await?;
        let purged = outcomes.get(1..).unwrap_or_default();
        removed += purged.iter().map(|outcome| outcome.changes).sum::<u64>();
        if purged.iter().all(|outcome| outcome.changes < CHUNK) {
            break;
        }
        let now = work.shared.platform.now();
        if now.since(work.now) > WIPING {
            return Err(Trouble::Wait { until: now, why: "more rows are left to delete".to_owned() });
        }
    }
    let version = schema.version();
    let writes = free.into_iter().chain([set_schema_version(&held.database.id, version)]);
    Ok(Done::with(writes).detail(format!("{removed} rows")))
}

impl Work<'_> {
    fn db(&self) -> Result<TenantDb, Fault> {
        let tenant = &self.operation.tenant;
        self.shared.directory.lifecycle_db(&tenant.id, tenant.epoch, &self.held()?.database, self.meter)
    }

    fn organization(&self) -> Result<&OrganizationId, Fault> {
        let id = self.operation.tenant.organization.as_ref();
        id.ok_or_else(|| Fault::internal("the tenant has no organization"))
    }

    async fn main(&self) -> Result<TenantDb, Fault> {
        Ok(self.shared.directory.main(self.now, self.meter).await?.1)
    }
}
