//! The management API of the tenant's settings.

use super::{model::Settings, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    error::{Error, Fault},
    events::Change,
    http::{Fields, Json, Members, Query, route::Routes},
};
use serde_json::{Value, json};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/tenants/settings", scope("read:tenant_settings"), get);
    r.patch("/api/v2/tenants/settings", scope("update:tenant_settings"), update);
}

/// The settings that decide what people must prove.
const SIGN_IN: [&str; 1] = ["mfa"];

async fn get(cx: &Management, Query(fields): Query<Fields>) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(store::read_all()).await?;
    Ok(Json(fields.of(json!(store::settings(row.as_ref())?.shown()))))
}

async fn update(cx: &Management, Members(patch): Members) -> Result<Json<Settings>, Error<Refusal>> {
    Settings::check(&patch).map_err(Refusal::invalid_body)?;
    if SIGN_IN.iter().any(|name| patch.contains_key(*name)) {
        cx.check_may_stand_over_everybody().await?;
    }
    let before = cx.snapshot().await?;
    let change =
        Change::of("Update tenant settings", "tenant", cx.tenant().id()).patched(&before.settings, &patch);
    let merge = store::merge(&Value::Object(patch), cx.call().now);
    let outcomes = cx.commit(&change, [merge, store::read_all().into()]).await?;
    let row = outcomes.iter().flat_map(|outcome| &outcome.rows).next();
    let row = row.ok_or_else(|| Fault::internal("the settings were not read back"))?;
    Ok(Json(store::settings(Some(row))?.shown()))
}
