//! Operations of every kind, over the management API.

use super::{
    PROCEDURES,
    engine::{store, view::OperationView},
    tenants::{api::not_found, store as tenants},
};
use crate::{
    access::{
        Operator,
        management::{Refusal, scope},
    },
    db::{
        Page,
        page::{Window, total},
    },
    error::{Error, Fault},
    http::{Json, Path, Query, route::Routes},
    id::{OperationId, TenantId},
};
use serde_json::{Value, json};

/// How far operations are, and what happened to them.
pub fn routes(r: &mut Routes) {
    r.get("/management/tenants/{id}/operations", scope("read:tenant_operations"), list);
    r.get("/management/operations/{id}", scope("read:tenant_operations"), get);
    r.get("/api/v2/tenants/{id}/operations", scope("read:tenant_operations"), list);
}

/// The operations of a tenant, newest first; of a deleted one too.
async fn list(
    cx: &Operator,
    (Path(id), Query(page)): (Path<String>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let id = TenantId::parse(&id).ok_or_else(not_found)?;
    let queries = [store::operations_of(&id, window), store::count_operations_of(&id), tenants::tenant(&id)];
    let [rows, count, tenant] = cx.directory().read(queries).await?;
    if tenant.is_empty() {
        return Err(not_found().into());
    }
    let view = |row| Ok(json!(OperationView::of(&store::read_operation(row, &PROCEDURES)?)?));
    let operations = rows.iter().map(view).collect::<Result<_, Fault>>()?;
    // AuthHero: always the object, with or without `include_totals`.
    Ok(Json(Window { totals: true, ..window }.list("operations", operations, total(&count)?)))
}

/// One operation with its whole history.
async fn get(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<OperationView>, Error<Refusal>> {
    let queries = [store::operation(&id), store::events_of(&id), store::progress(&id)];
    let [rows, events, progress] = cx.directory().read(queries).await?;
    let row = rows
        .first()
        .ok_or_else(|| Refusal::not_found("inexistent_operation", "There is no such operation"))?;
    let operation = store::read_operation(row, &PROCEDURES)?;
    Ok(Json(OperationView::whole(&operation, &events, progress.first())?))
}
