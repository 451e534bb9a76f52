//! Steps on the database that a tenant is moved to, and on the one that it does not live in when the move is over.

use super::{goal::Move, store};
use crate::{
    config::Placement,
    error::Fault,
    operations::{
        engine::{
            StepContext,
            procedure::{Done, Situation, Step},
            retry::StepError,
            subject::{Origin, Region},
        },
        tenants::{
            databases::{
                bindings,
                steps::{self as databases, names},
            },
            rows,
            steps::{is_created, stays},
        },
    },
};

/// A database is claimed, or written down before it is made.
pub const DATABASE: Step = Step::new("database", |cx| Box::pin(choose(cx)));

/// It is made through the API.
pub const CREATE: Step =
    Step::new("create", |cx| Box::pin(create(cx))).when(is_created).undone_by(&GIVE_BACK_DROP);

/// Its tables are made.
pub const MIGRATE: Step =
    Step::new("migrate", |cx| Box::pin(databases::migrate(cx))).undone_by(&GIVE_BACK_WIPE);

/// The script is bound to it.
pub const ATTACH: Step =
    Step::new("attach", |cx| Box::pin(bindings::attach(cx))).when(is_created).undone_by(&GIVE_BACK_DETACH);

/// The script lets go of the database that the tenant does not live in.
pub const DETACH: Step =
    Step::new("detach", |cx| Box::pin(detach(cx))).when(is_created).about_other().until_done();

/// That database is deleted.
pub const DROP: Step =
    Step::new("drop", |cx| Box::pin(remove(cx))).when(is_created).about_other().until_done();

/// The tenant's rows are deleted from it, if it stays.
pub const WIPE: Step = Step::new("wipe", |cx| Box::pin(wipe(cx))).when(stays).about_other().until_done();

const GIVE_BACK_DETACH: Step = DETACH.when(was_created);
const GIVE_BACK_DROP: Step = DROP.when(was_created);
const GIVE_BACK_WIPE: Step = WIPE.when(|situation| situation.has_target && stays(situation));

fn was_created(situation: Situation) -> bool {
    situation.has_target && is_created(situation)
}

/// Claims a database of the pool as the one that the tenant is moved to; failing that, writes down the one that will be made.
async fn choose(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (shared, operation) = (cx.shared, cx.operation);
    let Move { terms } = operation.require()?;
    if terms.placement == Placement::Shared {
        return Ok(Done::with([store::directory::target_shared(&operation.id)]).chosen(Origin::Shared));
    }
    if let (Some(_), Some(held)) = (&operation.target, &operation.tenant.database) {
        return Ok(Done::with([]).chosen(held.origin).detail(held.name.as_str()));
    }
    if terms.region.is_none() {
        let bindings = shared.platform.bindings();
        let claim = store::directory::claim(operation, cx.holder, &bindings, cx.now);
        let outcomes = shared.directory.db(cx.meter)?.commit(claim).await?;
        if let Some(row) = outcomes.last().and_then(|outcome| outcome.rows.first()) {
            return Ok(Done::with([]).chosen(Origin::Pool).detail(row.text("target_id")?));
        }
    }
    let Some(config) = &shared.config.cloudflare else {
        return Err(StepError::Never { why: "the pool is empty and no API token is set".to_owned() });
    };
    let (name, binding) = names(&config.script_name, &operation.tenant.id, &operation.id);
    let intend = store::directory::intend(operation, &name, &binding, cx.now);
    Ok(Done::with(intend).chosen(Origin::Created).detail(name))
}

async fn create(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let Move { terms } = cx.operation.require()?;
    databases::create_in(cx, terms.region.as_deref().and_then(Region::parse).as_ref()).await
}

async fn detach(cx: &StepContext<'_>) -> Result<Done, StepError> {
    check_not_home(cx)?;
    bindings::detach(cx).await
}

async fn remove(cx: &StepContext<'_>) -> Result<Done, StepError> {
    check_not_home(cx)?;
    databases::drop_database(cx).await
}

async fn wipe(cx: &StepContext<'_>) -> Result<Done, StepError> {
    check_not_home(cx)?;
    rows::wipe(cx).await
}

/// Refuses to remove the database that the tenant lives in: never, whatever else is wrong.
fn check_not_home(cx: &StepContext<'_>) -> Result<(), Fault> {
    if cx.operation.home.as_ref() == Some(&cx.assigned()?.database.id) {
        return Err(Fault::internal("a move would remove the tenant's home"));
    }
    Ok(())
}
