//! The database of a tenant over the management API.

use super::store;
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    error::{Error, Fault},
    http::{Json, Path, route::Routes},
    id::TenantId,
    tenant::store::{by_id, route},
};
use serde_json::{Map, Value, json};

/// Where a tenant lives.
pub fn routes(r: &mut Routes) {
    r.get("/management/tenants/{id}/database", scope("read:tenants"), get);
}

/// The database that holds a tenant, whether the running script is bound to it, how many migrations it has, and its
/// indexes: none are said of one that cannot be reached.
async fn get(cx: &Operator, Path(id): Path<String>) -> Result<Json<Value>, Error<Refusal>> {
    let call = cx.call();
    let inexistent = || Refusal::not_found("inexistent_database", "There is no such tenant with a database");
    let id = TenantId::parse(&id).ok_or_else(inexistent)?;
    let row = cx.directory().first(by_id(&id)).await?.ok_or_else(inexistent)?;
    let found = route(&row)?.1.and_then(|route| Some((route.epoch, route.database?)));
    let (epoch, database) = found.ok_or_else(inexistent)?;
    let indexes = match call.shared.directory.lifecycle_db(&id, epoch, &database, &call.meter) {
        Ok(db) => {
            let rows = db.all(store::indexes()).await?;
            let indexes = rows.iter().map(|row| Ok((row.text("name")?, row.text("sql")?.into())));
            Some(indexes.collect::<Result<Map<_, _>, Fault>>()?)
        }
        Err(_) => None,
    };
    Ok(Json(json!({
        "bound": call.platform().bindings().contains(&database.binding),
        "id": database.id,
        "binding": database.binding,
        "schema_version": database.schema_version,
        "indexes": indexes,
    })))
}
