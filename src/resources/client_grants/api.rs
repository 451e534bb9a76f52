//! The management API of client grants.

use super::{
    model::{ClientGrant, FIXED, IMMUTABLE},
    organizations, store,
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
    id::{ClientGrantId, ClientId, prefixed},
    resources::{
        clients::{self, model::OrganizationUsage},
        resource_servers,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Client grants.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/client-grants", scope("read:client_grants"), list);
    r.post("/api/v2/client-grants", scope("create:client_grants"), create);
    r.get("/api/v2/client-grants/{id}", scope("read:client_grants"), get);
    r.patch("/api/v2/client-grants/{id}", scope("update:client_grants"), update);
    r.delete("/api/v2/client-grants/{id}", scope("delete:client_grants"), delete);
    organizations::routes(r);
}

/// Which grants are wanted.
#[derive(Deserialize)]
struct Wanted {
    client_id: Option<ClientId>,
    audience: Option<String>,
    allow_any_organization: Option<String>,
    subject_type: Option<String>,
    #[serde(flatten)]
    page: Page,
}

async fn list(cx: &Management, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Error<Refusal>> {
    let window = wanted.page.check().map_err(Refusal::invalid_query)?;
    let any_organization = match wanted.allow_any_organization.as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Refusal::invalid_query("allow_any_organization must be true or false").into()),
    };
    // Every grant is to a client as a machine.
    if let Some(kind) = wanted.subject_type.filter(|kind| kind != "client") {
        return match kind.as_str() {
            "user" => Ok(Json(window.list("client_grants", Vec::new(), 0))),
            _ => Err(Refusal::invalid_query("subject_type must be client or user").into()),
        };
    }
    let of = store::Wanted {
        client: wanted.client_id.as_ref(),
        audience: wanted.audience.as_deref(),
        any_organization,
    };
    let [rows, count] = cx.db().read([store::page(of, window), store::count(of)]).await?;
    let shown = |row: &Row| Ok(json!(store::client_grant(row)?));
    let grants = cx.readable(("client_grants", "id"), &rows, shown);
    Ok(Json(window.list("client_grants", grants, total(&count)?)))
}

async fn create(cx: &Management, body: Members) -> Result<Created<ClientGrant>, Error<Refusal>> {
    let id = prefixed(cx.call().platform(), "cgr");
    let mut grant: ClientGrant = body.make(&[("id", &id)], FIXED).map_err(Refusal::invalid_body)?;
    grant.audience = cx.registered(&grant.audience).await?;
    check_scopes(cx, &grant, &[]).await?;
    let change = Change::of("Create a client grant", "client_grant", &id).made(&grant);
    cx.commit(&change, [store::insert(&grant, cx.call().now)])
        .await
        .on_conflict("client_grants.audience", || {
            Refusal::conflict("client_grant_conflict", "The client already has a grant for this audience")
        })?;
    Ok(Created(grant))
}

async fn get(cx: &Management, Path(id): Path<ClientGrantId>) -> Result<Json<ClientGrant>, Error<Refusal>> {
    find(cx, &id).await.map(Json)
}

async fn update(
    cx: &Management,
    (Path(id), body): (Path<ClientGrantId>, Members),
) -> Result<Json<ClientGrant>, Error<Refusal>> {
    cx.retry(async || change(cx, &id, body.clone()).await).await
}

async fn change(
    cx: &Management,
    id: &ClientGrantId,
    body: Members,
) -> Result<Json<ClientGrant>, Error<Refusal>> {
    let row = row(cx, id).await?;
    let stored = row.mended(&[("scope", "[]")], store::client_grant)?;
    let changed: ClientGrant = body.change(&stored, IMMUTABLE).map_err(Refusal::invalid_body)?;
    check_may_take(cx, &stored, &changed.scope)?;
    check_scopes(cx, &changed, &stored.scope).await?;
    let change = Change::of("Update a client grant", "client_grant", id).between(&stored, &changed);
    let batch = [store::unchanged(&row)?, store::update(&changed, cx.call().now)];
    cx.commit(&change, batch).await?;
    Ok(Json(changed))
}

async fn delete(cx: &Management, Path(id): Path<ClientGrantId>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::by_id(&id)).await? else { return Ok(NoContent) };
    // One that cannot be read has given nothing.
    let stored = row.mended(&[("scope", "[]")], store::client_grant)?;
    check_may_take(cx, &stored, &[])?;
    let change = Change::of("Delete a client grant", "client_grant", &id).removed(&stored);
    cx.commit(&change, store::remove(&id)).await?;
    Ok(NoContent)
}

pub(super) async fn find(cx: &Management, id: &ClientGrantId) -> Result<ClientGrant, Error<Refusal>> {
    Ok(store::client_grant(&row(cx, id).await?)?)
}

async fn row(cx: &Management, id: &ClientGrantId) -> Result<Row, Error<Refusal>> {
    let row = cx.db().first(store::by_id(id)).await?;
    row.ok_or_else(|| Refusal::not_found("inexistent_client_grant", "The client grant does not exist").into())
}

/// What is not left to a machine of what it held must be the caller's to take.
fn check_may_take(cx: &Management, grant: &ClientGrant, left: &[String]) -> Result<(), Refusal> {
    let ours = grant.audience == cx.audience();
    let taken = grant.scope.iter().filter(|scope| ours && !left.contains(scope));
    cx.check_may_stand_over(taken.map(String::as_str))
}

/// The client and the API must be there, the API must define the scopes, and those that the client does not `hold` yet
/// must be the caller's to give.
async fn check_scopes(cx: &Management, grant: &ClientGrant, held: &[String]) -> Result<(), Error<Refusal>> {
    let [client, server] = cx
        .db()
        .read([
            clients::store::exists(&grant.client_id),
            resource_servers::store::by_identifier(&grant.audience),
        ])
        .await?;
    if client.is_empty() {
        return Err(Refusal::bad_request("inexistent_client", "client_id: the client does not exist").into());
    }
    let server = server.first().ok_or_else(|| {
        Refusal::bad_request("inexistent_resource_server", "audience: there is no such resource server")
    })?;
    let server = resource_servers::store::resource_server(server)?;
    let ours = grant.audience == cx.audience();
    let permissions = if ours { cx.permissions() } else { Vec::new() };
    grant
        .check(|scope| permissions.contains(&scope) || server.defines(scope))
        .map_err(Refusal::invalid_body)?;
    if ours && grant.organization_usage.unwrap_or_default() != OrganizationUsage::Deny {
        let why = "organization_usage: the management API knows no organizations inside the tenant";
        return Err(Refusal::invalid_body(why).into());
    }
    if ours {
        let given = grant.scope.iter().filter(|scope| !held.contains(scope));
        cx.check_may_give(given.map(String::as_str))?;
    }
    Ok(())
}
