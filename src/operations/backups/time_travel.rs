//! The steps in which the database of a tenant goes back in time. It serves nobody meanwhile, and what it knew of fences,
//! of its schema and of what is captured is of that time too, and is put right before it serves again.

use super::{TimeTravel, store as backups};
use crate::{
    cloudflare::{Api, databases::Past},
    error::Fault,
    operations::{
        engine::{
            StepContext,
            procedure::Done,
            retry::StepError,
            store::{progress, set_progress},
        },
        moves::store::replica as moves,
        tenants::rows::store as wiping,
    },
    resources::keys,
    tenant::store::set_schema_version,
    time::{Lifetime, Timestamp},
};
use serde_json::json;

/// How long nobody has written any more when the database goes back: longer than an instance believes a route, so that
/// none is left that the fence of that time would let through.
const QUIET: Lifetime = Lifetime::seconds(10);

/// Writes down the state of the database that it has now, and has the tenant serve nobody.
pub async fn bookmark(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (api, uuid) = reached(cx)?;
    let bookmark = api.bookmark(&uuid).await.map_err(|problem| cx.error(problem))?;
    let (operation, tenant) = (cx.operation, &cx.operation.tenant);
    let text = json!({ "bookmark": bookmark }).to_string();
    let writes = [
        set_progress(&operation.id, &text),
        backups::shut(&tenant.id, tenant.epoch, cx.shared.platform.now()),
    ];
    Ok(Done::with(writes).detail(bookmark))
}

/// Takes the database back, and puts right what must not be of that time.
pub async fn travel(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (api, uuid) = reached(cx)?;
    let (operation, tenant) = (cx.operation, &cx.operation.tenant);
    let TimeTravel { travel } = operation.require()?;
    let to = travel.to;
    shut(cx).await?;
    let quiet = tenant.updated_at.plus(QUIET);
    if cx.shared.platform.now() < quiet {
        return Err(StepError::Wait {
            until: quiet,
            why: "requests that had begun come to their end".to_owned(),
        });
    }
    let past = Past::Moment(Timestamp::from_millis(to));
    api.travel(&uuid, past).await.map_err(|problem| cx.error(problem))?;
    shut(cx).await?;
    if cx.tenant_db()?.first(keys::store::data_keys()).await?.is_none() {
        let row = cx.shared.directory.db(cx.meter)?.first(progress(&operation.id)).await?;
        let row = row.ok_or_else(|| Fault::internal("the operation is gone"))?;
        let before: serde_json::Value = row.json("progress")?;
        let before = before.get("bookmark").and_then(serde_json::Value::as_str).unwrap_or_default();
        api.travel(&uuid, Past::Bookmark(before)).await.map_err(|problem| cx.error(problem))?;
        shut(cx).await?;
        let why = "the database did not hold the tenant at that moment; it is again as it was";
        return Err(StepError::Never { why: why.to_owned() });
    }
    let version = cx.shared.config.schema.version();
    Ok(Done::with([set_schema_version(&cx.assigned()?.database.id, version)]))
}

/// Brings the database to this release's schema, has it refuse whoever has an older route, and capture nothing.
async fn shut(cx: &StepContext<'_>) -> Result<(), StepError> {
    let (tenant, db) = (&cx.operation.tenant, cx.tenant_db()?);
    let schema = cx.shared.config.schema;
    schema.migrate(db.driver().as_ref()).await?;
    let mut batch = vec![wiping::raise_fence(tenant.epoch, "time travel"), moves::close(tenant.epoch)];
    batch.extend(moves::release(&tenant.id, &schema.moved()));
    batch.push(moves::forget_all_captured());
    db.commit(batch).await?;
    Ok(())
}

fn reached(cx: &StepContext<'_>) -> Result<(Api, String), StepError> {
    let uuid = cx.assigned()?.database.uuid.clone();
    let why = "the database is declared without its id at Cloudflare".to_owned();
    Ok((cx.api()?, uuid.ok_or(StepError::Never { why })?))
}
