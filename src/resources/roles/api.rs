//! The management API of roles.

use super::{holders, model::Role, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{Page, Row},
    error::{Error, OnConflict},
    events::Change,
    http::{Json, Members, NoContent, Path, Query, route::Routes},
    id::{RoleId, prefixed},
    resources::{named::texts, permissions},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Roles, then who holds them.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/roles", scope("read:roles"), list);
    r.post("/api/v2/roles", scope("create:roles"), create);
    r.get("/api/v2/roles/{id}", scope("read:roles"), get);
    r.patch("/api/v2/roles/{id}", scope("update:roles"), update);
    r.delete("/api/v2/roles/{id}", scope("delete:roles"), delete);
    holders::routes(r);
}

/// Which roles are wanted.
#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    page: Page,
    name_filter: Option<String>,
}

async fn list(cx: &Management, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Error<Refusal>> {
    let window = wanted.page.check().map_err(Refusal::invalid_query)?;
    let part = wanted.name_filter.as_deref().unwrap_or_default();
    let (rows, total) = window.read(cx.db(), store::page(part, window), store::count(part)).await?;
    let roles = cx.readable(("roles", "id"), &rows, |row| Ok(json!(store::role(row)?)));
    Ok(Json(window.list("roles", roles, total)))
}

// Auth0: 200 where one would expect 201.
async fn create(cx: &Management, Members(body): Members) -> Result<Json<Role>, Error<Refusal>> {
    let id = RoleId::new(prefixed(cx.call().platform(), "rol"));
    let role = Role::make(id, body).map_err(Refusal::invalid_body)?;
    let change = Change::of("Create a Role", "role", &role.id).made(&role);
    cx.commit_people(&change, [store::insert(&role, cx.call().now)])
        .await
        .on_conflict("roles.name", name_taken)?;
    Ok(Json(role))
}

async fn get(cx: &Management, Path(id): Path<RoleId>) -> Result<Json<Role>, Error<Refusal>> {
    let row = cx.db().first(store::by_id(&id)).await?.ok_or_else(inexistent)?;
    Ok(Json(store::role(&row)?))
}

async fn update(
    cx: &Management,
    (Path(id), Members(body)): (Path<RoleId>, Members),
) -> Result<Json<Role>, Error<Refusal>> {
    cx.retry(async || change(cx, &id, body.clone()).await).await
}

async fn change(
    cx: &Management,
    id: &RoleId,
    body: Map<String, Value>,
) -> Result<Json<Role>, Error<Refusal>> {
    let row = cx.db().first(store::by_id(id)).await?.ok_or_else(inexistent)?;
    let stored = check_is_changeable(Some(&row))?;
    let role = stored.clone().change(body).map_err(Refusal::invalid_body)?;
    let change = Change::of("Update a Role", "role", id).between(&stored, &role);
    cx.commit_people(&change, [store::unchanged(&row)?, store::update(&role, cx.call().now)])
        .await
        .on_conflict("roles.name", name_taken)?;
    Ok(Json(role))
}

async fn delete(cx: &Management, Path(id): Path<RoleId>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::by_id(&id)).await? else { return Ok(NoContent) };
    let role = check_is_changeable(Some(&row))?;
    let held = cx.db().all(permissions::store::in_roles(&json!([id]), &cx.audience())).await?;
    cx.check_may_stand_over(texts(&held, "permission_name")?.iter().map(String::as_str))?;
    let change = Change::of("Delete a Role", "role", &id).removed(&role);
    cx.commit_people(&change, store::remove(&id)).await?;
    Ok(NoContent)
}

/// The role that was read, which must be there and not be ours.
pub(crate) fn check_is_changeable(row: Option<&Row>) -> Result<Role, Error<Refusal>> {
    let role = store::role(row.ok_or_else(inexistent)?)?;
    if role.is_system {
        return Err(Refusal::forbidden("operation_not_supported", "A system role cannot be changed").into());
    }
    Ok(role)
}

pub(crate) fn inexistent() -> Refusal {
    Refusal::not_found("inexistent_role", "The role does not exist.")
}

fn name_taken() -> Refusal {
    Refusal::conflict("role_conflict", "A role with this name already exists")
}
