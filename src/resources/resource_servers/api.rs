//! The management API of resource servers.

use super::{
    model::{FIXED, IMMUTABLE, MEMBERS, Permission, ResourceServer, raise_options},
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
    id::prefixed,
    resources::settings,
};
use serde_json::{Value, json};

/// Resource servers.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/resource-servers", scope("read:resource_servers"), list);
    r.post("/api/v2/resource-servers", scope("create:resource_servers"), create);
    r.get("/api/v2/resource-servers/{id}", scope("read:resource_servers"), get);
    r.patch("/api/v2/resource-servers/{id}", scope("update:resource_servers"), update);
    r.delete("/api/v2/resource-servers/{id}", scope("delete:resource_servers"), delete);
}

async fn list(cx: &Management, Query(page): Query<Page>) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [rows, count] = cx.db().read([store::page(window), store::count()]).await?;
    let shown = |row: &Row| Ok(json!(shown(cx, store::resource_server(row)?)));
    let servers = cx.readable(("resource_servers", "id"), &rows, shown);
    Ok(Json(window.list("resource_servers", servers, total(&count)?)))
}

async fn create(cx: &Management, body: Members) -> Result<Created<ResourceServer>, Error<Refusal>> {
    let body = settings(body, FIXED)?;
    let id = prefixed(cx.call().platform(), "api");
    let mut server: ResourceServer = body.make(&[("id", &id)], FIXED).map_err(Refusal::invalid_body)?;
    if server.name.is_empty() {
        server.name.clone_from(&server.identifier);
    }
    server.document.token_lifetime.get_or_insert(server.token_lifetime().as_seconds());
    server.settle_options();
    server.check().map_err(Refusal::invalid_body)?;
    check_is_free(cx, &server.identifier).await?;
    let insert = store::insert(&server, cx.call().now)?;
    let change = Change::of("Create a resource server", "resource_server", &server.id).made(&server);
    cx.commit(&change, [insert]).await.on_conflict("resource_servers.identifier", || {
        Refusal::conflict("resource_server_conflict", "A resource server with this identifier already exists")
    })?;
    Ok(Created(server))
}

async fn get(cx: &Management, Path(id): Path<String>) -> Result<Json<ResourceServer>, Error<Refusal>> {
    Ok(Json(shown(cx, find(cx, &id).await?)))
}

async fn update(
    cx: &Management,
    (Path(id), body): (Path<String>, Members),
) -> Result<Json<ResourceServer>, Error<Refusal>> {
    cx.retry(async || change(cx, &id, body.clone()).await).await
}

async fn change(cx: &Management, id: &str, body: Members) -> Result<Json<ResourceServer>, Error<Refusal>> {
    let row = row(cx, id).await?;
    let stored = row.mended(&[("document", "{}")], store::resource_server)?;
    check_is_changeable(&stored)?;
    let body = settings(body, IMMUTABLE)?;
    let mut changed: ResourceServer = body.change(&stored, IMMUTABLE).map_err(Refusal::invalid_body)?;
    changed.settle_options();
    changed.check().map_err(Refusal::invalid_body)?;
    let scopes = stored.document.scopes.iter().map(|permission| permission.value.as_str());
    let withdrawn: Vec<_> = scopes.filter(|scope| !changed.defines(scope)).collect();
    let withdrawals = store::withdraw(&stored.identifier, &json!(withdrawn));
    let withdrawals = withdrawals.into_iter().filter(|_| !withdrawn.is_empty());
    let (unchanged, update) = (store::unchanged(&row)?, store::update(&changed, cx.call().now)?);
    let batch = [unchanged].into_iter().chain(withdrawals).chain([update]);
    let change =
        Change::of("Update a resource server", "resource_server", &stored.id).between(&stored, &changed);
    cx.commit(&change, batch).await?;
    Ok(Json(changed))
}

async fn delete(cx: &Management, Path(id): Path<String>) -> Result<NoContent, Error<Refusal>> {
    let [rows, settings] =
        cx.db().read([store::by_id_or_identifier(&id), settings::store::read_all()]).await?;
    let Some(row) = rows.first() else { return Ok(NoContent) };
    let server = row.mended(&[("document", "{}")], store::resource_server)?;
    check_is_changeable(&server)?;
    // Every sign-in that names no audience is for it.
    if settings::store::settings(settings.first())?.default_audience.as_ref() == Some(&server.identifier) {
        let why = "This is the default_audience of the tenant's settings: set another one there first";
        return Err(Refusal::conflict("default_resource_server", why).into());
    }
    let change = Change::of("Delete a resource server", "resource_server", &server.id).removed(&server);
    cx.commit(&change, store::remove(&server)).await?;
    Ok(NoContent)
}

/// A body of which everything is known.
fn settings(body: Members, fixed: &[&str]) -> Result<Members, Refusal> {
    let mut body = body.known(&MEMBERS, fixed).map_err(Refusal::invalid_body)?;
    raise_options(&mut body.0).map_err(Refusal::invalid_body)?;
    Ok(body)
}

async fn find(cx: &Management, id: &str) -> Result<ResourceServer, Error<Refusal>> {
    Ok(store::resource_server(&row(cx, id).await?)?)
}

async fn row(cx: &Management, id: &str) -> Result<Row, Error<Refusal>> {
    let row = cx.db().first(store::by_id_or_identifier(id)).await?;
    row.ok_or_else(|| {
        let words = "No resource server found by that id or identifier";
        Refusal::not_found("inexistent_resource_server", words).into()
    })
}

/// The management API defines what the route table says, which no row repeats.
fn shown(cx: &Management, mut server: ResourceServer) -> ResourceServer {
    if server.is_system && server.identifier == cx.audience() {
        let permission = |name: &str| Permission { value: name.to_owned(), description: None };
        server.document.scopes = cx.permissions().into_iter().map(permission).collect();
    }
    server
}

fn check_is_changeable(server: &ResourceServer) -> Result<(), Refusal> {
    if server.is_system {
        return Err(Refusal::forbidden(
            "operation_not_supported",
            "A system resource server cannot be changed",
        ));
    }
    Ok(())
}

/// What is a URL of this server, in whatever spelling, is no API of the tenant's.
async fn check_is_free(cx: &Management, identifier: &str) -> Result<(), Error<Refusal>> {
    if identifier != cx.audience() && cx.registered(identifier).await? == cx.audience() {
        return Err(
            Refusal::invalid_body("identifier is reserved: it is a name of the management API").into()
        );
    }
    Ok(())
}
