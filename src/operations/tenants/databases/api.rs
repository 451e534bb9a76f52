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
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a tenant lives.
pub fn routes(r: &mut Routes) {
    r.get("/management/tenants/{id}/database", scope("read:tenants"), get);
}

/// A database, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DatabaseView {
    /// Whether the running script is bound to it.
    pub bound: bool,
    /// Its id in the directory.
    pub id: String,
    /// The D1 binding of the script.
    pub binding: String,
    /// How many migrations it has.
    pub schema_version: i64,
    /// Its indexes, by name, as SQL: none are said of one that cannot be reached.
    pub indexes: Option<BTreeMap<String, String>>,
}

/// The database that holds a tenant.
async fn get(cx: &Operator, Path(id): Path<String>) -> Result<Json<DatabaseView>, Error<Refusal>> {
    let call = cx.call();
    let not_found = || Refusal::not_found("inexistent_database", "There is no such tenant with a database");
    let id = TenantId::parse(&id).ok_or_else(not_found)?;
    let row = cx.directory().first(by_id(&id)).await?.ok_or_else(not_found)?;
    let found = route(&row)?.1.and_then(|route| Some((route.epoch, route.database?)));
    let (epoch, database) = found.ok_or_else(not_found)?;
    let indexes = match call.shared.directory.lifecycle_db(&id, epoch, &database, &call.meter) {
        Ok(db) => {
            let rows = db.all(store::indexes()).await?;
            let indexes = rows.iter().map(|row| Ok((row.text("name")?, row.text("sql")?)));
            Some(indexes.collect::<Result<_, Fault>>()?)
        }
        Err(_) => None,
    };
    Ok(Json(DatabaseView {
        bound: call.platform().bindings().contains(&database.binding),
        id: database.id,
        binding: database.binding,
        schema_version: database.schema_version,
        indexes,
    }))
}
