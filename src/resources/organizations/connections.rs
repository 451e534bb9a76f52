//! The management API of the connections through which people sign in to an organization.

use super::{
    ORGANIZATIONS,
    store::{self, Enabled},
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{
        Row,
        page::{Paging, total},
    },
    error::{Error, Fault, OnConflict},
    events::Change,
    http::{Created, Json, Members, NoContent, Path, Query, route::Routes, shape},
    id::{ConnectionId, OrganizationId},
    resources::{connections::CONNECTIONS, engine, engine::api::inexistent},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The rows of the route table.
pub(super) fn routes(r: &mut Routes) {
    const ALL: &str = "/api/v2/organizations/{id}/enabled_connections";
    r.get(ALL, scope("read:organization_connections"), list);
    r.post(ALL, scope("create:organization_connections"), add);
    const ONE: &str = "/api/v2/organizations/{id}/enabled_connections/{connection_id}";
    r.get(ONE, scope("read:organization_connections"), get);
    r.patch(ONE, scope("update:organization_connections"), update);
    r.delete(ONE, scope("delete:organization_connections"), remove);
}

/// What a path names.
#[derive(Deserialize)]
struct Named {
    id: OrganizationId,
    connection_id: ConnectionId,
}

async fn list(
    cx: &Management,
    (Path(id), Query(paging)): (Path<OrganizationId>, Query<Paging>),
) -> Result<Json<Value>, Error<Refusal>> {
    let part = paging.check().map_err(Refusal::invalid_query)?;
    let [organization, mut rows, count] = cx
        .db()
        .read([store::by_id(&id), store::connections(&id, &part), store::count_connections(&id)])
        .await?;
    organization.first().ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let next = part.cut(&mut rows, "connection_id")?;
    let connections = cx.readable(("organization_connections", "connection_id"), &rows, shown);
    Ok(Json(part.list("enabled_connections", connections, total(&count)?, next)))
}

async fn get(cx: &Management, Path(named): Path<Named>) -> Result<Json<Value>, Error<Refusal>> {
    Ok(Json(shown(&find(cx, &named).await?)?))
}

async fn add(
    cx: &Management,
    (Path(id), Members(body)): (Path<OrganizationId>, Members),
) -> Result<Created<Value>, Error<Refusal>> {
    shape::require(&body, &["connection_id"]).map_err(Refusal::invalid_body)?;
    shape::check(&body, &[&super::ENABLED]).map_err(Refusal::invalid_body)?;
    let connection = ConnectionId::new(body.get("connection_id").and_then(Value::as_str).unwrap_or_default());
    let [organization, known] = cx
        .db()
        .read([store::by_id(&id), engine::store::existing(&CONNECTIONS, &json!([connection]))])
        .await?;
    organization.first().ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    if known.is_empty() {
        let why = format!("connection_id: there is no connection {connection}");
        return Err(Refusal::invalid_body(why).into());
    }
    let change =
        Change::of("Add an organization connection", "organization", &id).added("enabled_connections", &body);
    let insert = store::enable(&id, &Enabled::of(&body), cx.call().now);
    let read = store::connection(&id, &connection);
    let outcomes = cx
        .commit(&change, [insert, read.into(), store::say_connections(&id)])
        .await
        .on_conflict("organization_connections.connection_id", || {
            Refusal::conflict("organization_connection_conflict", "The connection is enabled for it already")
        })?;
    Ok(Created(shown(answered(outcomes.get(1).and_then(|outcome| outcome.rows.first()))?)?))
}

async fn update(
    cx: &Management,
    (Path(named), Members(body)): (Path<Named>, Members),
) -> Result<Json<Value>, Error<Refusal>> {
    let row = find(cx, &named).await?;
    if body.contains_key("connection_id") {
        return Err(Refusal::invalid_body("connection_id cannot be set: it is that of the path").into());
    }
    shape::check(&body, &[&super::ENABLED]).map_err(Refusal::invalid_body)?;
    let before = row.0.iter().map(|(name, value)| (name.clone(), flag(value)));
    let before: Map<String, Value> = crate::json::gather(before);
    let change =
        Change::of("Modify an organization connection", "organization", &named.id).patched(&before, &body);
    let set = store::set_connection(&named.id, &named.connection_id, &body, cx.call().now);
    let read = store::connection(&named.id, &named.connection_id);
    let outcomes = cx.commit(&change, [set, read.into(), store::say_connections(&named.id)]).await?;
    Ok(Json(shown(answered(outcomes.get(1).and_then(|outcome| outcome.rows.first()))?)?))
}

// Auth0: what is gone already has been deleted.
async fn remove(cx: &Management, Path(named): Path<Named>) -> Result<NoContent, Error<Refusal>> {
    cx.db().first(store::by_id(&named.id)).await?.ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let change = Change::of("Delete an organization connection", "organization", &named.id)
        .taken("enabled_connections", &named.connection_id);
    let disable = store::disable(&named.id, &named.connection_id);
    cx.commit(&change, [disable, store::say_connections(&named.id)]).await?;
    Ok(NoContent)
}

async fn find(cx: &Management, named: &Named) -> Result<Row, Error<Refusal>> {
    let row = cx.db().first(store::connection(&named.id, &named.connection_id)).await?;
    row.ok_or_else(|| {
        let words = "The connection is not enabled for this organization, or there is none of the two.";
        Refusal::not_found("inexistent_organization_connection", words).into()
    })
}

fn answered(row: Option<&Row>) -> Result<&Row, Fault> {
    row.ok_or_else(|| Fault::unavailable("somebody else has removed the connection meanwhile"))
}

fn flag(value: &Value) -> Value {
    value.as_i64().map_or_else(|| value.clone(), |flag| Value::Bool(flag != 0))
}

/// As Auth0 shows it.
fn shown(row: &Row) -> Result<Value, Fault> {
    Ok(json!({
        "connection_id": row.text("connection_id")?,
        "assign_membership_on_login": row.flag("assign_membership_on_login")?,
        "show_as_button": row.flag("show_as_button")?,
        "is_signup_enabled": row.flag("is_signup_enabled")?,
        "connection": { "name": row.text("name")?, "strategy": row.text("strategy")? },
    }))
}
