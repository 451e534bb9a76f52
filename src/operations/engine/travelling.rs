//! The steps in which the database of a tenant goes back in time. It serves nobody meanwhile, and what it knew of fences,
//! of its schema and of what is captured is of that time too, and is put right before it serves again.

use super::{Done, Work, moving::store as progress, rows::store as wiping};
use crate::{
    cloudflare::{Api, databases::Past},
    error::Fault,
    operations::{backups::store as backups, moves::store as moves, plan::Trouble},
    resources::keys,
    tenant::store::set_schema_version,
    time::{Lifetime, Timestamp},
};
use serde_json::json;

/// How long nobody has written any more when the database goes back: longer than an instance believes a route, so that
/// none is left that the fence of that time would let through.
const QUIET: Lifetime = Lifetime::seconds(10);

/// Writes down the state of the database that it has now, and has the tenant serve nobody.
pub(super) async fn bookmark(work: &Work<'_>) -> Result<Done, Trouble> {
    let (api, uuid) = reached(work)?;
    let bookmark = api.bookmark(&uuid).await.map_err(|problem| trouble(work, problem))?;
    let (operation, tenant) = (work.operation, &work.operation.tenant);
    let text = json!({ "bookmark": bookmark }).to_string();
    let writes = [
        progress::set_progress(&operation.id, &text),
        backups::shut(&tenant.id, tenant.epoch, work.shared.platform.now()),
    ];
    Ok(Done::with(writes).detail(bookmark))
}

/// Takes the database back, and puts right what must not be of that time.
pub(super) async fn travel(work: &Work<'_>) -> Result<Done, Trouble> {
    let (api, uuid) = reached(work)?;
    let (operation, tenant) = (work.operation, &work.operation.tenant);
    let travelling = operation.input.travel.as_ref();
    let to = travelling.ok_or_else(|| Fault::internal("a journey in time has no moment"))?.to;
    shut(work).await?;
    let quiet = tenant.updated_at.plus(QUIET);
    if work.shared.platform.now() < quiet {
        return Err(Trouble::Wait {
            until: quiet,
            why: "requests that had begun come to their end".to_owned(),
        });
    }
    let past = Past::Moment(Timestamp::from_millis(to));
    api.travel(&uuid, past).await.map_err(|problem| trouble(work, problem))?;
    shut(work).await?;
    if work.tenant_db()?.first(keys::store::data_keys()).await?.is_none() {
        let row = work.shared.directory.db(work.meter)?.first(progress::progress(&operation.id)).await?;
        let row = row.ok_or_else(|| Fault::internal("the operation is gone"))?;
        let before: serde_json::Value = row.json("progress")?;
        let before = before.get("bookmark").and_then(serde_json::Value::as_str).unwrap_or_default();
        api.travel(&uuid, Past::Bookmark(before)).await.map_err(|problem| trouble(work, problem))?;
        shut(work).await?;
        let why = "the database did not hold the tenant at that moment; it is again as it was";
        return Err(Trouble::Never { why: why.to_owned() });
    }
    let version = work.shared.config.schema.version();
    Ok(Done::with([set_schema_version(&work.held()?.database.id, version)]))
}

/// Brings the database to this release's schema, has it refuse whoever has an older route, and capture nothing.
async fn shut(work: &Work<'_>) -> Result<(), Trouble> {
    let (tenant, db) = (&work.operation.tenant, work.tenant_db()?);
    let schema = work.shared.config.schema;
    schema.migrate(db.driver().as_ref()).await?;
    let mut batch = vec![wiping::raise_fence(tenant.epoch, "time travel"), moves::close(tenant.epoch)];
    batch.extend(moves::release(&tenant.id, &schema.moved()));
    batch.push(moves::forget_all_captured());
    db.commit(batch).await?;
    Ok(())
}

fn reached(work: &Work<'_>) -> Result<(Api, String), Trouble> {
    let uuid = work.held()?.database.uuid.clone();
    let why = "the database is declared without its id at Cloudflare".to_owned();
    Ok((work.api()?, uuid.ok_or(Trouble::Never { why })?))
}

fn trouble(work: &Work<'_>, problem: crate::cloudflare::Problem) -> Trouble {
    Trouble::of(problem, work.shared.platform.now())
}
