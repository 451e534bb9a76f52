//! The management API of organizations.

use super::{
    members,
    model::{FIXED, MEMBERS, Organization, belongs_to_a_tenant, named_connections},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{Page, Row, page::total},
    error::{Error, OnConflict},
    events::Change,
    http::{Created, Json, Members, NoContent, Path, Query, route::Routes},
    id::{OrganizationId, prefixed},
    resources::{
        connections,
        named::{check_known, texts},
    },
};
use serde_json::{Value, json};

/// Organizations, then their members.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/organizations", scope("read:organizations"), list);
    r.post("/api/v2/organizations", scope("create:organizations"), create);
    r.get("/api/v2/organizations/name/{name}", scope("read:organizations"), get_by_name);
    r.get("/api/v2/organizations/{id}", scope("read:organizations"), get);
    r.patch("/api/v2/organizations/{id}", scope("update:organizations"), update);
    r.delete("/api/v2/organizations/{id}", scope("delete:organizations"), delete);
    members::routes(r);
}

async fn list(cx: &Management, Query(page): Query<Page>) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [rows, count] = cx.db().read([store::page(window), store::count()]).await?;
    let shown = |row: &Row| Ok(json!(store::organization(row)?));
    let organizations = cx.readable(("organizations", "id"), &rows, shown);
    Ok(Json(window.list("organizations", organizations, total(&count)?)))
}

async fn create(cx: &Management, body: Members) -> Result<Created<Organization>, Error<Refusal>> {
    let id = prefixed(cx.call().platform(), "org");
    let body = settings(cx, body).await?;
    let organization: Organization = body.make(&[("id", &id)], FIXED).map_err(Refusal::invalid_body)?;
    organization.check().map_err(Refusal::invalid_body)?;
    check_is_free(cx, &organization.name)?;
    let insert = store::insert(&organization, cx.call().now)?;
    let change = Change::of("Create an organization", "organization", &id).made(&organization);
    cx.commit(&change, [insert]).await.on_conflict("organizations.name", name_taken)?;
    Ok(Created(organization))
}

async fn get(cx: &Management, Path(id): Path<OrganizationId>) -> Result<Json<Organization>, Error<Refusal>> {
    by_id(cx, &id).await.map(Json)
}

async fn get_by_name(
    cx: &Management,
    Path(name): Path<String>,
) -> Result<Json<Organization>, Error<Refusal>> {
    let row = cx.db().first(store::by_name(&name)).await?.ok_or_else(inexistent)?;
    Ok(Json(store::organization(&row)?))
}

async fn update(
    cx: &Management,
    (Path(id), body): (Path<OrganizationId>, Members),
) -> Result<Json<Organization>, Error<Refusal>> {
    cx.retry(async || change(cx, &id, body.clone()).await).await
}

async fn change(
    cx: &Management,
    id: &OrganizationId,
    body: Members,
) -> Result<Json<Organization>, Error<Refusal>> {
    let row = cx.db().first(store::by_id(id)).await?.ok_or_else(inexistent)?;
    let stored = row.mended(&[("document", "{}")], store::organization)?;
    let body = settings(cx, body).await?;
    let changed: Organization = body.change(&stored, FIXED).map_err(Refusal::invalid_body)?;
    changed.check().map_err(Refusal::invalid_body)?;
    if changed.name != stored.name {
        check_is_free(cx, &stored.name)?;
        check_is_free(cx, &changed.name)?;
    }
    let batch = [store::unchanged(&row)?, store::update(&changed, cx.call().now)?];
    let change = Change::of("Update an organization", "organization", id).between(&stored, &changed);
    cx.commit(&change, batch).await.on_conflict("organizations.name", name_taken)?;
    Ok(Json(changed))
}

async fn delete(cx: &Management, Path(id): Path<OrganizationId>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::by_id(&id)).await? else { return Ok(NoContent) };
    let name = row.text("name")?;
    check_is_free(cx, &name)?;
    let change = Change::of("Delete an organization", "organization", &id).taken("name", &name);
    cx.commit(&change, store::remove(&id)).await?;
    Ok(NoContent)
}

/// A body of which everything is known, and the connections that it names are there.
async fn settings(cx: &Management, body: Members) -> Result<Members, Error<Refusal>> {
    let body = body.known(&MEMBERS, FIXED).map_err(Refusal::invalid_body)?;
    let named = named_connections(&body.0);
    if !named.is_empty() {
        let rows = cx.db().all(connections::store::existing(&json!(named))).await?;
        let known = texts(&rows, "id")?;
        check_known("connection", named.iter().map(String::as_str), &known)
            .map_err(|why| Refusal::invalid_body(format!("enabled_connections: {}", why.message())))?;
    }
    Ok(body)
}

async fn by_id(cx: &Management, id: &OrganizationId) -> Result<Organization, Error<Refusal>> {
    let row = cx.db().first(store::by_id(id)).await?.ok_or_else(inexistent)?;
    Ok(store::organization(&row)?)
}

/// On the main tenant, an organization that is a tenant's comes and goes with it: see [`belongs_to_a_tenant`].
fn check_is_free(cx: &Management, name: &str) -> Result<(), Refusal> {
    if cx.tenant().is_main() && belongs_to_a_tenant(name) {
        return Err(Refusal::forbidden(
            "organization_of_a_tenant",
            format!(
                "The organization {name} is made, named and removed together with the tenant of that name"
            ),
        ));
    }
    Ok(())
}

pub(crate) fn inexistent() -> Refusal {
    Refusal::not_found("inexistent_organization", "No organization found by that id or name")
}

fn name_taken() -> Refusal {
    Refusal::conflict("organization_conflict", "An organization with this name already exists")
}
