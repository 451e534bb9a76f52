//! Steps on databases: where a tenant's database comes from, and where it goes.

use super::store;
use crate::{
    cloudflare::{Api, Kind, Problem, bindings::PREFIX, databases::Place},
    id::{OperationId, TenantId},
    operations::engine::{
        StepContext,
        procedure::Done,
        retry::StepError,
        subject::{Origin, Region},
    },
    tenant::store::set_schema_version,
    time::Timestamp,
};
use std::rc::Rc;

/// Claims a database of the pool; failing that, writes down the one that will be made.
pub async fn choose(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (shared, operation) = (cx.shared, cx.operation);
    if let Some(held) = &operation.tenant.database {
        return Ok(Done::with([]).detail(held.name.as_str()));
    }
    // A database of the pool is wherever it is: a tenant that says where gets one that is made there.
    if operation.tenant.region.is_none() {
        let directory = shared.directory.db(cx.meter)?;
        let bindings = shared.platform.bindings();
        let outcomes = directory.commit(store::claim(operation, cx.holder, &bindings, cx.now)).await?;
        if let Some(row) = outcomes.last().and_then(|outcome| outcome.rows.first()) {
            return Ok(Done::with([]).chosen(Origin::Pool).detail(row.text("database_id")?));
        }
    }
    let Some(config) = &shared.config.cloudflare else {
        return Err(StepError::Never { why: "the pool is empty and no API token is set".to_owned() });
    };
    let tenant = &operation.tenant.id;
    let (name, binding) = names(&config.script_name, tenant, &operation.id);
    Ok(Done::with(store::intend(tenant, &name, &binding, cx.now)).chosen(Origin::Created).detail(name))
}

/// The name and the binding of the database that an operation makes: always the same, so that what an attempt that died
/// has left behind is found again, and belongs to nobody else.
pub fn names(script: &str, tenant: &TenantId, operation: &OperationId) -> (String, String) {
    let cut = |text: &str| text.chars().take(20).collect::<String>();
    let suffix = operation.as_str().trim_start_matches("op_");
    let name = format!("{}-{}-{suffix}", cut(script), cut(tenant.as_str())).to_ascii_lowercase();
    (name, format!("{PREFIX}{}", suffix.to_ascii_uppercase()))
}

/// Makes the database, unless an earlier attempt has.
pub async fn create(cx: &StepContext<'_>) -> Result<Done, StepError> {
    create_in(cx, cx.operation.tenant.region.as_ref()).await
}

/// The same, there.
pub async fn create_in(cx: &StepContext<'_>, region: Option<&Region>) -> Result<Done, StepError> {
    let (api, held) = (cx.api()?, cx.assigned()?);
    let place = match region {
        None => Place::Anywhere,
        Some(Region::Hint(hint)) => Place::Near(hint),
        Some(Region::Jurisdiction(jurisdiction)) => Place::Within(jurisdiction),
    };
    let uuid = find_or_make(&api, &held.name, place, cx.deadline()).await;
    let uuid = uuid.map_err(|problem| cx.error(problem))?;
    Ok(Done::with([store::set_uuid(&held.database.id, &uuid, cx.now)]).detail(uuid))
}

/// The database of this name, which nobody else gives: found, or made.
pub async fn find_or_make(
    api: &Api,
    name: &str,
    place: Place<'_>,
    deadline: Timestamp,
) -> Result<String, Problem> {
    if let Some(uuid) = api.database_by_name(name).await? {
        return Ok(uuid);
    }
    match api.create_database(name, place, deadline).await {
        // It may be there all the same; while that cannot be said, the first problem is what counts.
        Err(problem @ Problem { kind: Kind::Exists | Kind::Unknown, .. }) => {
            api.database_by_name(name).await.ok().flatten().ok_or(problem)
        }
        made => made,
    }
}

/// Deletes the database, whether or not it was ever known to exist.
pub async fn drop_database(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (api, held) = (cx.api()?, cx.assigned()?);
    let find = async || api.database_by_name(&held.name).await.map_err(|problem| cx.error(problem));
    let uuid = match &held.database.uuid {
        Some(uuid) => Some(uuid.clone()),
        None => find().await?,
    };
    if let Some(uuid) = uuid {
        api.delete_database(&uuid).await.map_err(|problem| cx.error(problem))?;
    }
    if find().await?.is_some() {
        return Err(StepError::Retry {
            why: format!("the database {} is still there", held.name),
            not_before: None,
        });
    }
    Ok(Done::with([store::remove_database(&held.database.id)]))
}

impl StepContext<'_> {
    /// The Cloudflare API, for steps that cannot be done without it.
    pub fn api(&self) -> Result<Api, StepError> {
        let config = self.shared.config.cloudflare.clone();
        let config = config.ok_or_else(|| StepError::Never { why: "no API token is set".to_owned() })?;
        Ok(Api::new(Rc::clone(&self.shared.platform), config))
    }

    /// What the failure of a call means for the step.
    pub fn error(&self, problem: Problem) -> StepError {
        StepError::of(problem, self.shared.platform.now())
    }
}

/// Brings the tenant's database to the newest schema.
pub async fn migrate(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let schema = cx.shared.config.schema;
    let (database, version) = (&cx.assigned()?.database, schema.version());
    if database.schema_version >= version {
        return Ok(Done::skipped());
    }
    schema.migrate(cx.shared.directory.reach(database)?.as_ref()).await?;
    Ok(Done::with([set_schema_version(&database.id, version)]))
}
