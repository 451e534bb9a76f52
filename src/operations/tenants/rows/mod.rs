//! Steps on rows: those of the tenant itself, and those of its organization on the main tenant.

pub mod store;

use super::{Provision, databases::store::set_free, seed};
use crate::{
    error::{Fault, FaultKind},
    id::{OrganizationId, RoleId, UserId},
    json,
    operations::engine::{StepContext, procedure::Done, retry::StepError, subject::Origin},
    resources::{
        engine::store::insert,
        organizations::{self, ORGANIZATIONS},
        roles,
    },
    tenant::{TenantDb, store::set_schema_version},
    time::Lifetime,
};
use serde_json::{Map, Value as Json};

/// Rows deleted of each table in one transaction: far fewer than D1 deletes in the 30 s that a query may take.
const CHUNK: u64 = 1_000;

/// How long one call deletes rows.
const WIPING: Lifetime = Lifetime::seconds(4);

/// Writes and reads back on the way that requests will take, and raises the tenant's fence with it.
pub async fn verify(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let epoch = cx.operation.tenant.epoch;
    let (db, database) = (cx.tenant_db()?, &cx.assigned()?.database);
    let schema = cx.shared.config.schema;
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
        return Err(StepError::Retry { why, not_before: None });
    }
    Ok(Done::with(is_behind.then(|| set_schema_version(&database.id, version))))
}

/// Gives the tenant what every tenant is born with.
pub async fn seed(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (shared, tenant) = (cx.shared, &cx.operation.tenant);
    let issuer = shared.directory.issuer(&tenant.id);
    let db = cx.tenant_db()?;
    seed::tenant(shared, &tenant.id, &issuer, &tenant.friendly_name, &db, cx.meter, cx.now).await?;
    Ok(Done::with([]))
}

/// Makes the tenant's organization on the main tenant.
pub async fn organize(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let Provision { administrator } = cx.operation.require()?;
    organize_for(cx, administrator.as_ref()).await
}

/// The same, and this user a member who administers it: one transaction, so it is there whole or not at all.
pub async fn organize_for(cx: &StepContext<'_>, administrator: Option<&UserId>) -> Result<Done, StepError> {
    let tenant = &cx.operation.tenant;
    let id = cx.organization()?;
    let names = [
        ("name".to_owned(), Json::from(tenant.id.as_str())),
        ("display_name".to_owned(), Json::from(tenant.friendly_name.as_str())),
    ];
    let mut batch = vec![insert(&ORGANIZATIONS, id.as_str(), &json::gather::<Map<_, _>, _>(names), cx.now)];
    if let Some(user) = administrator {
        let role = RoleId::new(roles::store::TENANT_ADMIN_ROLE);
        batch.push(organizations::store::add_member(id, user, cx.now));
        batch.push(roles::store::assign(user, Some(id), &role, cx.now));
    }
    let main = cx.main().await?;
    // Nothing may be awaited between this look at the clock and the commit: whoever undoes this must not come before it.
    let now = cx.shared.platform.now();
    if now > cx.deadline() {
        return Err(StepError::Wait {
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
            Err(StepError::Never {
                why: format!("the main tenant has another organization named {}", tenant.id),
            })
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Removes the tenant's organization from the main tenant, with its members and what they hold there.
pub async fn withdraw(cx: &StepContext<'_>) -> Result<Done, StepError> {
    cx.main().await?.commit(organizations::store::remove(cx.organization()?)).await?;
    Ok(Done::with([]))
}

/// Deletes every row of the tenant from a database that stays, behind a fence that refuses late writes. A database that
/// was never migrated holds nothing.
pub async fn wipe(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (epoch, held) = (cx.operation.tenant.epoch, cx.assigned()?);
    let free = (held.origin == Origin::Pool).then(|| set_free(&held.database.id, cx.now));
    if held.database.schema_version == 0 {
        return Ok(Done::with(free));
    }
    let db = cx.tenant_db()?;
    // A table that this release knows must be there to be emptied.
    let schema = cx.shared.config.schema;
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
        let now = cx.shared.platform.now();
        if now.since(cx.now) > WIPING {
            return Err(StepError::Wait { until: now, why: "more rows are left to delete".to_owned() });
        }
    }
    let version = schema.version();
    let writes = free.into_iter().chain([set_schema_version(&held.database.id, version)]);
    Ok(Done::with(writes).detail(format!("{removed} rows")))
}

impl StepContext<'_> {
    fn organization(&self) -> Result<&OrganizationId, Fault> {
        let id = self.operation.tenant.organization.as_ref();
        id.ok_or_else(|| Fault::internal("the tenant has no organization"))
    }

    async fn main(&self) -> Result<TenantDb, Fault> {
        Ok(self.shared.directory.main(self.now, self.meter).await?.1)
    }
}
