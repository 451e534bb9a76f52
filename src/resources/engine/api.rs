//! The handlers behind every plain resource, compiled once.

use super::{
    declaration::{Resource, Shape, Verb},
    list::Listing,
    model::{check_new, check_patch, mended, shown, stored},
    single, store,
    write::{Act, Write},
};
use crate::{
    access::{Area, Management, management::Refusal},
    db::{
        Outcome, Row, Statement,
        page::{Part, total},
    },
    error::{Error, Fault, OnConflict},
    events::Change,
    http::{Created, Fields, Json, Members, NoContent, Output, Pairs, Path, Query, Response, route::Routes},
    id::prefixed,
    json::gather,
    tenant::InTenant,
};
use serde_json::{Map, Value};

/// The rows of the route table of a resource.
pub fn routes(r: &mut Routes, resource: &'static Resource) {
    if resource.shape != Shape::Collection {
        return single::routes(r, resource);
    }
    for (verb, scope) in resource.verbs {
        let name = |done: &str| format!("{}::{done}", resource.plural);
        match verb {
            Verb::List => {
                r.get(resource.path, *scope, async move |cx: &Management, query: Pairs| {
                    list(cx, resource, query).await
                });
                r.named(name("list"));
            }
            Verb::Create => {
                r.post(resource.path, *scope, async move |cx: &Management, Members(body): Members| {
                    create(cx, resource, body).await
                });
                r.named(name("create"));
            }
            Verb::Get => {
                r.get(
                    resource.one,
                    *scope,
                    async move |cx: &Management, (Path(key), Query(fields)): (Path<String>, Query<Fields>)| {
                        get(cx, resource, &key, &fields).await
                    },
                );
                r.named(name("get"));
            }
            Verb::Patch => {
                r.patch(
                    resource.one,
                    *scope,
                    async move |cx: &Management, (Path(key), Members(body)): (Path<String>, Members)| {
                        patch(cx, resource, &key, body).await
                    },
                );
                r.named(name("update"));
            }
            Verb::Delete => {
                r.delete(resource.one, *scope, async move |cx: &Management, Path(key): Path<String>| {
                    delete(cx, resource, &key).await
                });
                r.named(name("delete"));
            }
            Verb::Replace => {
                r.put(
                    resource.one,
                    *scope,
                    async move |cx: &Management, (Path(key), Members(body)): (Path<String>, Members)| {
                        replace(cx, resource, &key, body).await
                    },
                );
                r.named(name("replace"));
            }
        }
    }
}

async fn list(
    cx: &Management,
    resource: &'static Resource,
    query: Pairs,
) -> Result<Json<Value>, Error<Refusal>> {
    let listing = Listing::parse(resource, query).map_err(Refusal::invalid_query)?;
    let show = |row: &Row| Ok(listing.fields.of(Value::Object(view(cx, resource, stored(resource, row)?))));
    let (query, key) = (store::list(resource, &listing), resource.key.0);
    let counts = matches!(&listing.part, Part::Page(window) if window.totals);
    let count = counts.then(|| store::count(resource, &listing));
    let ([mut rows], counted) = cx.db().read_with([query], count).await?;
    let total = counted.first().map_or(Ok(0), |rows| total(rows))?;
    let next = listing.part.cut(&mut rows, key)?;
    let items = cx.readable((resource.table, key), &rows, show);
    Ok(Json(listing.part.list(resource.plural, items, total, next)))
}

async fn create(
    cx: &Management,
    resource: &'static Resource,
    body: Map<String, Value>,
) -> Result<Response, Error<Refusal>> {
    let set = check_new(resource, body).map_err(Refusal::invalid_body)?;
    let made = make(cx, resource, set).await?;
    // Auth0: 200 for some, where one would expect 201.
    Ok(if resource.quiet { Json(made).render() } else { Created(made).render() })
}

async fn make(
    cx: &Management,
    resource: &'static Resource,
    set: Map<String, Value>,
) -> Result<Value, Error<Refusal>> {
    let id = match set.get(resource.key.1).and_then(Value::as_str) {
        Some(given) => given.to_owned(),
        None => prefixed(cx.call().platform(), resource.prefix),
    };
    let mut write =
        Write { act: Act::Create, id, stored: Map::new(), set, beside: Vec::new(), depends: false };
    (resource.before_write)(cx, &mut write).await?;
    let change = Change::of(format!("Create {}", resource.phrase), resource.noun, &write.id)
        .made(&with_id(resource, &write));
    let mut batch = write.beside;
    batch.push(store::insert(resource, &write.id, &write.set, cx.call().now));
    let made = commit(cx, resource, &change, batch).await?;
    Ok(Value::Object(view(cx, resource, stored(resource, &made)?)))
}

async fn get(
    cx: &Management,
    resource: &'static Resource,
    key: &str,
    fields: &Fields,
) -> Result<Json<Value>, Error<Refusal>> {
    let row = find(cx, resource, key).await?;
    Ok(Json(fields.of(Value::Object(view(cx, resource, stored(resource, &row)?)))))
}

async fn patch(
    cx: &Management,
    resource: &'static Resource,
    key: &str,
    body: Map<String, Value>,
) -> Result<Json<Value>, Error<Refusal>> {
    // What is read before it is written may be gone, or another, by then.
    cx.retry(async || patch_once(cx, resource, key, body.clone()).await).await
}

/// Makes one of what is sent, or has one be that and nothing else.
async fn replace(
    cx: &Management,
    resource: &'static Resource,
    key: &str,
    mut body: Map<String, Value>,
) -> Result<Response, Error<Refusal>> {
    let shown = resource.key.1;
    if body.get(shown).is_some_and(|given| given.as_str() != Some(key)) {
        return Err(Refusal::invalid_body(format!("{shown} must be {key}, as in the path")).into());
    }
    body.insert(shown.to_owned(), Value::from(key));
    let mut set = check_new(resource, body).map_err(Refusal::invalid_body)?;
    if cx.db().first(store::find(resource, key)).await?.is_none() {
        return Ok(Json(make(cx, resource, set).await?).render());
    }
    set.remove(shown);
    for field in resource.fields.iter().filter(|field| field.member.nullable && !field.fixed) {
        set.entry(field.member.name).or_insert(Value::Null);
    }
    patch(cx, resource, key, set).await.map(Output::render)
}

async fn patch_once(
    cx: &Management,
    resource: &'static Resource,
    key: &str,
    body: Map<String, Value>,
) -> Result<Json<Value>, Error<Refusal>> {
    let row = find(cx, resource, key).await?;
    let (stored_members, readable) = mended(resource, &row)?;
    if is_system(&row) {
        let shown = view(cx, resource, stored_members);
        // Tools send back what they were shown.
        if body.iter().all(|(name, value)| shown.get(name) == Some(value)) {
            return Ok(Json(Value::Object(shown)));
        }
        return Err(unchangeable(resource).into());
    }
    let id = row.text(resource.key.0)?;
    // Tools send along which one it is.
    let named = body.get(resource.key.1).is_some_and(|given| given.as_str() == Some(&id));
    let body = body.into_iter().filter(|(name, _)| !(named && name == resource.key.1));
    let set = check_patch(resource, gather(body)).map_err(Refusal::invalid_body)?;
    let mut write =
        Write { act: Act::Patch, id, stored: stored_members, set, beside: Vec::new(), depends: !readable };
    (resource.before_write)(cx, &mut write).await?;
    let change = Change::of(format!("Update {}", resource.phrase), resource.noun, &write.id)
        .patched(&write.stored, &write.set);
    let guard = if write.depends {
        store::unchanged(resource, &row)?
    } else {
        store::still_there(resource, &write.id)
    };
    let mut batch = vec![guard];
    batch.append(&mut write.beside);
    batch.push(store::patch(resource, &write.id, &write.set, !readable, cx.call().now));
    let changed = commit(cx, resource, &change, batch).await?;
    Ok(Json(Value::Object(view(cx, resource, stored(resource, &changed)?))))
}

async fn delete(
    cx: &Management,
    resource: &'static Resource,
    key: &str,
) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::find(resource, key)).await? else { return Ok(NoContent) };
    check_changeable(resource, &row)?;
    let (stored, _) = mended(resource, &row)?;
    let id = row.text(resource.key.0)?;
    let mut write =
        Write { act: Act::Delete, id, stored, set: Map::new(), beside: Vec::new(), depends: false };
    (resource.before_write)(cx, &mut write).await?;
    let change =
        Change::of(format!("Delete {}", resource.phrase), resource.noun, &write.id).removed(&write.stored);
    let mut batch = write.beside;
    batch.extend(store::remove(resource, &write.id, &row));
    send(cx, resource, &change, batch).await?;
    Ok(NoContent)
}

/// The row of the one with this key.
///
/// # Errors
/// 404.
pub async fn find(cx: &Management, resource: &'static Resource, key: &str) -> Result<Row, Error<Refusal>> {
    let row = cx.db().first(store::find(resource, key)).await?;
    row.ok_or_else(|| inexistent(resource).into())
}

/// What is shown of one.
pub fn view(cx: &Management, resource: &'static Resource, stored: Map<String, Value>) -> Map<String, Value> {
    let mut members = shown(resource, stored);
    (resource.view)(cx, &mut members);
    members
}

/// Checks that a row that was read is not the system's.
///
/// # Errors
/// 403.
pub fn check_changeable(resource: &Resource, row: &Row) -> Result<(), Refusal> {
    if is_system(row) { Err(unchangeable(resource)) } else { Ok(()) }
}

fn is_system(row: &Row) -> bool {
    row.flag("is_system").unwrap_or_default()
}

fn unchangeable(resource: &Resource) -> Refusal {
    let noun = resource.noun.replace('_', " ");
    Refusal::forbidden("operation_not_supported", format!("A system {noun} cannot be changed"))
}

/// What is said of one that there is not.
pub fn inexistent(resource: &Resource) -> Refusal {
    let (noun, key) = (resource.noun, resource.key.1);
    let by = resource.alias.map_or_else(|| key.to_owned(), |alias| format!("{key} or {alias}"));
    Refusal::not_found(
        format!("inexistent_{noun}"),
        format!("There is no {} with this {by}.", noun.replace('_', " ")),
    )
}

/// What is made, with its id.
fn with_id(resource: &Resource, write: &Write) -> Map<String, Value> {
    let mut made = write.set.clone();
    made.insert(resource.key.1.to_owned(), Value::from(write.id.as_str()));
    made
}

/// Commits a change whose last statement answers the row that it leaves.
async fn commit(
    cx: &Management,
    resource: &'static Resource,
    change: &Change,
    batch: Vec<Statement<InTenant>>,
) -> Result<Row, Error<Refusal>> {
    let at = batch.len().saturating_sub(1);
    let outcomes = send(cx, resource, change, batch).await?;
    let row = outcomes.into_iter().nth(at).and_then(|outcome| outcome.rows.into_iter().next());
    row.ok_or_else(|| Fault::internal(format!("a change of {} answered no row", resource.table)).into())
}

async fn send(
    cx: &Management,
    resource: &'static Resource,
    change: &Change,
    batch: Vec<Statement<InTenant>>,
) -> Result<Vec<Outcome>, Error<Refusal>> {
    let mut done = if resource.of_people {
        cx.commit_people(change, batch).await.map_err(Error::Fault)
    } else {
        cx.commit(change, batch).await.map_err(Error::Fault)
    };
    for field in resource.fields.iter().filter(|field| field.unique) {
        let name = field.member.name;
        done = match done {
            Err(Error::Fault(fault)) => Err::<Vec<Outcome>, _>(fault)
                .on_conflict(&format!("{}.{name}", resource.table), || taken(resource, name)),
            other => other,
        };
    }
    done
}

fn taken(resource: &Resource, name: &str) -> Refusal {
    let words = format!("There is {} with this {name} already", resource.phrase);
    Refusal::conflict(format!("{}_conflict", resource.noun), words)
}
