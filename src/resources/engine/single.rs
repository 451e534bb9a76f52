//! The handlers behind every resource of which there is one: a document that is merged with what is sent.

use super::{
    declaration::{Resource, Shape, Verb},
    model::check_patch,
    store,
    write::{Act, Write},
};
use crate::{
    access::{Area, Management, management::Refusal},
    db::Row,
    error::{Error, Fault, FaultKind},
    events::Change,
    http::{Fields, Json, Members, Query, route::Routes},
};
use serde_json::{Map, Value};

/// The rows of the route table of a resource.
pub(super) fn routes(r: &mut Routes, resource: &'static Resource) {
    for (verb, scope) in resource.verbs {
        match verb {
            Verb::Get => {
                r.get(resource.path, *scope, async move |cx: &Management, Query(fields): Query<Fields>| {
                    get(cx, resource, &fields).await
                });
                r.named(format!("{}::get", resource.noun));
            }
            Verb::Patch => {
                r.patch(resource.path, *scope, async move |cx: &Management, Members(body): Members| {
                    patch(cx, resource, body).await
                });
                r.named(format!("{}::update", resource.noun));
            }
            _ => {}
        }
    }
}

async fn get(
    cx: &Management,
    resource: &'static Resource,
    fields: &Fields,
) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(store::only(resource)).await?;
    Ok(Json(fields.of(view(cx, resource, document(resource, row.as_ref())?))))
}

async fn patch(
    cx: &Management,
    resource: &'static Resource,
    body: Map<String, Value>,
) -> Result<Json<Value>, Error<Refusal>> {
    let set = check_patch(resource, body).map_err(Refusal::invalid_body)?;
    let stored = before(cx, resource).await?;
    let id = match resource.shape {
        Shape::Singleton(Some(part)) => part.to_owned(),
        _ => cx.tenant().id().to_string(),
    };
    let mut write = Write { act: Act::Patch, id, stored, set, beside: Vec::new(), depends: false };
    (resource.before_write)(cx, &mut write).await?;
    let change = Change::of(format!("Update {}", resource.phrase), resource.noun, &write.id)
        .patched(&view(cx, resource, write.stored), &write.set);
    let mut batch = write.beside;
    let at = batch.len();
    batch.push(store::merge(resource, write.set, cx.call().now));
    let outcomes = cx.commit(&change, batch).await?;
    let row = outcomes.get(at).and_then(|outcome| outcome.rows.first());
    Ok(Json(view(cx, resource, document(resource, row)?)))
}

/// What holds before a change. What cannot be read is overwritten.
async fn before(cx: &Management, resource: &'static Resource) -> Result<Map<String, Value>, Fault> {
    if let Some(remembered) = resource.remembered {
        let known = cx.snapshot().await.map(|snapshot| remembered(&snapshot));
        return Ok(match known {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        });
    }
    let row = cx.db().first(store::only(resource)).await?;
    match document(resource, row.as_ref()) {
        Err(Fault { kind: FaultKind::Unreadable, .. }) => Ok(Map::new()),
        other => other,
    }
}

fn view(cx: &Management, resource: &'static Resource, stored: Map<String, Value>) -> Value {
    Value::Object(super::api::view(cx, resource, stored))
}

/// What a tenant has set; nothing if it has no row.
fn document(resource: &Resource, row: Option<&Row>) -> Result<Map<String, Value>, Fault> {
    let mut document = row.map_or_else(|| Ok(Map::new()), |row| row.object("document"))?;
    Ok(match resource.shape {
        Shape::Singleton(Some(part)) => match document.remove(part) {
            Some(Value::Object(part)) => part,
            _ => Map::new(),
        },
        _ => document,
    })
}
