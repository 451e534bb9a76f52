//! The management API of connections.

use super::{
    model::{self, Connection},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{Page, Row},
    error::{Error, Fault, OnConflict},
    events::Change,
    http::{Created, Fields, Json, Members, NoContent, Path, Query, route::Routes},
    id::{ConnectionId, prefixed},
    resources::users::store::{Whose, remove},
    secret::Secret,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/connections", scope("read:connections"), list);
    r.post("/api/v2/connections", scope("create:connections"), create);
    r.get("/api/v2/connections/{id}", scope("read:connections"), get);
    r.patch("/api/v2/connections/{id}", scope("update:connections"), update);
    r.delete("/api/v2/connections/{id}", scope("delete:connections"), delete);
}

/// Which connections are wanted.
#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    page: Page,
    #[serde(flatten)]
    fields: Fields,
    name: Option<String>,
    strategy: Option<String>,
}

async fn list(cx: &Management, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Error<Refusal>> {
    let window = wanted.page.check().map_err(Refusal::invalid_query)?;
    let (name, strategy) = (wanted.name.as_deref(), wanted.strategy.as_deref());
    let (rows, total) =
        window.read(cx.db(), store::page(name, strategy, window), store::count(name, strategy)).await?;
    let shown = |row: &Row| Ok(wanted.fields.of(json!(store::connection(row)?.shown())));
    Ok(Json(window.list("connections", cx.readable(("connections", "id"), &rows, shown), total)))
}

async fn create(cx: &Management, Members(body): Members) -> Result<Created<Connection>, Error<Refusal>> {
    let id = ConnectionId::new(prefixed(cx.call().platform(), "con"));
    let mut connection = Connection::make(id, body).map_err(Refusal::invalid_body)?;
    seal(cx, &mut connection).await?;
    let change = Change::of("Create a Connection", "connection", &connection.id).made(&connection);
    cx.commit(&change, [store::insert(&connection, cx.call().now)?])
        .await
        .on_conflict("connections.name", || {
            Refusal::conflict("connection_conflict", "A connection with this name already exists")
        })?;
    Ok(Created(connection.shown()))
}

async fn get(
    cx: &Management,
    (Path(id), Query(fields)): (Path<ConnectionId>, Query<Fields>),
) -> Result<Json<Value>, Error<Refusal>> {
    Ok(Json(fields.of(json!(find(cx, &id).await?.shown()))))
}

async fn update(
    cx: &Management,
    (Path(id), Members(body)): (Path<ConnectionId>, Members),
) -> Result<Json<Connection>, Error<Refusal>> {
    cx.retry(async || change(cx, &id, body.clone()).await).await
}

async fn change(
    cx: &Management,
    id: &ConnectionId,
    body: Map<String, Value>,
) -> Result<Json<Connection>, Error<Refusal>> {
    let row = row(cx, id).await?;
    let stored = row.mended(&[("document", "{}")], store::connection)?;
    cx.check_may_stand_over_everybody().await?;
    let new_options = body.contains_key("options");
    let document = stored.document.clone().change(body).map_err(Refusal::invalid_body)?;
    let mut changed = Connection { document, ..stored.clone() };
    if new_options {
        seal(cx, &mut changed).await?;
        model::keep_secrets(&mut changed.document.options, &stored.document.options);
    }
    let batch = [store::unchanged(&row)?, store::update(&changed, cx.call().now)?];
    let change = Change::of("Update a Connection", "connection", id).between(&stored, &changed);
    cx.commit(&change, batch).await?;
    Ok(Json(changed.shown()))
}

async fn delete(cx: &Management, Path(id): Path<ConnectionId>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::by_id(&id)).await? else { return Ok(NoContent) };
    cx.check_may_stand_over_everybody().await?;
    // Auth0: its users go with it.
    let batch = remove(Whose::Connection(&row.text("name")?)).into_iter().chain(store::remove(&id));
    let change = Change::of("Delete a Connection", "connection", &id).taken("name", &row.text("name").ok());
    cx.commit(&change, batch).await?;
    Ok(NoContent)
}

async fn find(cx: &Management, id: &ConnectionId) -> Result<Connection, Error<Refusal>> {
    Ok(store::connection(&row(cx, id).await?)?)
}

async fn row(cx: &Management, id: &ConnectionId) -> Result<Row, Error<Refusal>> {
    let row = cx.db().first(store::by_id(id)).await?;
    row.ok_or_else(|| Refusal::not_found("inexistent_connection", "The connection does not exist").into())
}

/// Seals the secrets of new options.
async fn seal(cx: &Management, connection: &mut Connection) -> Result<(), Fault> {
    let (snapshot, purpose) = (cx.snapshot().await?, store::purpose(&connection.id));
    for secret in model::secrets(&mut connection.document.options) {
        let sealed = snapshot.seal.seal(cx.call().platform(), &purpose, &Secret::new(secret.as_str()))?;
        sealed.as_str().clone_into(secret);
    }
    Ok(())
}
