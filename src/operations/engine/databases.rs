//! Steps on databases: where a tenant's database comes from, and where it goes.

use super::{Done, Work, moving};
use crate::{
    cloudflare::{Api, Kind, Problem, bindings::PREFIX, databases::Place},
    config::Placement,
    id::{OperationId, TenantId},
    operations::{
        model::{Origin, Region},
        moves::wish::Terms,
        plan::Trouble,
        store,
    },
    tenant::store::set_schema_version,
    time::Timestamp,
};
use std::rc::Rc;

/// Claims a database of the pool; failing that, writes down the one that will be made.
pub(super) async fn choose(work: &Work<'_>) -> Result<Done, Trouble> {
    let (shared, operation) = (work.shared, work.operation);
    if let Some(terms) = &operation.input.terms {
        return choose_target(work, terms).await;
    }
    if let Some(held) = &operation.tenant.database {
        return Ok(Done::with([]).detail(held.name.as_str()));
    }
    // A database of the pool is wherever it is: a tenant that says where gets one that is made there.
    if operation.tenant.region.is_none() {
        let directory = shared.directory.db(work.meter)?;
        let bindings = shared.platform.bindings();
        let outcomes = directory.commit(store::claim(operation, work.holder, &bindings, work.now)).await?;
        if let Some(row) = outcomes.last().and_then(|outcome| outcome.rows.first()) {
            return Ok(Done::with([]).chosen(Origin::Pool).detail(row.text("database_id")?));
        }
    }
    let Some(config) = &shared.config.cloudflare else {
        return Err(Trouble::Never { why: "the pool is empty and no API token is set".to_owned() });
    };
    let tenant = &operation.tenant.id;
    let (name, binding) = names(&config.script_name, tenant, &operation.id);
    Ok(Done::with(store::intend(tenant, &name, &binding, work.now)).chosen(Origin::Created).detail(name))
}

/// The same for the database that the tenant is moved to.
async fn choose_target(work: &Work<'_>, terms: &Terms) -> Result<Done, Trouble> {
    let (shared, operation) = (work.shared, work.operation);
    if terms.placement == Placement::Shared {
        return Ok(Done::with([moving::store::target_shared(&operation.id)]).chosen(Origin::Shared));
    }
    if let (Some(_), Some(held)) = (&operation.target, &operation.tenant.database) {
        return Ok(Done::with([]).chosen(held.origin).detail(held.name.as_str()));
    }
    if terms.region.is_none() {
        let bindings = shared.platform.bindings();
        let claim = moving::store::claim(operation, work.holder, &bindings, work.now);
        let outcomes = shared.directory.db(work.meter)?.commit(claim).await?;
        if let Some(row) = outcomes.last().and_then(|outcome| outcome.rows.first()) {
            return Ok(Done::with([]).chosen(Origin::Pool).detail(row.text("target_id")?));
        }
    }
    let Some(config) = &shared.config.cloudflare else {
        return Err(Trouble::Never { why: "the pool is empty and no API token is set".to_owned() });
    };
    let (name, binding) = names(&config.script_name, &operation.tenant.id, &operation.id);
    let intend = moving::store::intend(operation, &name, &binding, work.now);
    Ok(Done::with(intend).chosen(Origin::Created).detail(name))
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
pub(super) async fn create(work: &Work<'_>) -> Result<Done, Trouble> {
    let (api, held) = (work.api()?, work.held()?);
    let region = match &work.operation.input.terms {
        Some(terms) => terms.region.as_deref().and_then(Region::parse),
        None => work.operation.tenant.region.clone(),
    };
    let place = match &region {
        None => Place::Anywhere,
        Some(Region::Hint(hint)) => Place::Near(hint),
        Some(Region::Jurisdiction(jurisdiction)) => Place::Within(jurisdiction),
    };
    let uuid = find_or_make(&api, &held.name, place, work.deadline()).await;
    let uuid = uuid.map_err(|problem| work.trouble(problem))?;
    Ok(Done::with([store::set_uuid(&held.database.id, &uuid, work.now)]).detail(uuid))
}

/// The database of this name, which nobody else gives: found, or made.
pub(super) async fn find_or_make(
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
pub(super) async fn drop_database(work: &Work<'_>) -> Result<Done, Trouble> {
    let (api, held) = (work.api()?, work.held()?);
    let find = async || api.database_by_name(&held.name).await.map_err(|problem| work.trouble(problem));
    let uuid = match &held.database.uuid {
        Some(uuid) => Some(uuid.clone()),
        None => find().await?,
    };
    if let Some(uuid) = uuid {
        api.delete_database(&uuid).await.map_err(|problem| work.trouble(problem))?;
    }
    if find().await?.is_some() {
        return Err(Trouble::Retry {
            why: format!("the database {} is still there", held.name),
            not_before: None,
        });
    }
    Ok(Done::with([store::remove_database(&held.database.id)]))
}

impl Work<'_> {
    /// The Cloudflare API, for steps that cannot be done without it.
    pub(super) fn api(&self) -> Result<Api, Trouble> {
        let config = self.shared.config.cloudflare.clone();
        let config = config.ok_or_else(|| Trouble::Never { why: "no API token is set".to_owned() })?;
        Ok(Api::new(Rc::clone(&self.shared.platform), config))
    }

    /// What the failure of a call means for the step.
    fn trouble(&self, problem: Problem) -> Trouble {
        Trouble::of(problem, self.shared.platform.now())
    }
}

/// Brings the tenant's database to the newest schema.
pub(super) async fn migrate(work: &Work<'_>) -> Result<Done, Trouble> {
    let schema = work.shared.config.schema;
    let (database, version) = (&work.held()?.database, schema.version());
    if database.schema_version >= version {
        return Ok(Done::skipped());
    }
    schema.migrate(work.shared.directory.reach(database)?.as_ref()).await?;
    Ok(Done::with([set_schema_version(&database.id, version)]))
}
