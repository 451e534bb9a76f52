//! The management API of users.

mod authentication_methods;
mod organizations;
mod sessions;

use super::{
    attributes::Attributes,
    model::{self, User},
    password,
    policy::Policy,
    search, store,
};
use crate::{
    access::{Area, Management, management::Refusal, scope},
    db::{Filter, Outcome, Page, Row, Statement, page},
    error::{Error, Fault, OnConflict},
    events::Change,
    http::{Created, Fields, Json as Body, Members, NoContent, Path, Query, route::Routes},
    id::UserId,
    resources::{
        attack_protection::model::Choosing,
        connections::{self, model::Connection},
        endings, permissions,
    },
    secret::Secret,
    tenant::InTenant,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/users", scope("read:users"), list);
    r.post("/api/v2/users", scope("create:users"), create);
    r.get("/api/v2/users/{id}", scope("read:users"), get);
    r.patch("/api/v2/users/{id}", scope("update:users"), update);
    r.delete("/api/v2/users/{id}", scope("delete:users"), delete);
    r.get("/api/v2/users-by-email", scope("read:users"), by_email);
    authentication_methods::routes(r);
    organizations::routes(r);
    sessions::routes(r);
}

/// The query of a list of users.
#[derive(Debug, Deserialize)]
pub struct List {
    #[serde(flatten)]
    page: Page,
    #[serde(flatten)]
    fields: Fields,
    q: Option<String>,
    sort: Option<String>,
}

async fn list(cx: &Management, Query(list): Query<List>) -> Result<Body<Json>, Error<Refusal>> {
    let window = list.page.check().map_err(Refusal::invalid_query)?;
    let filter =
        Filter::compile(list.q.as_deref(), &search::FIELDS, store::FILTER).map_err(Refusal::invalid_query)?;
    let order =
        page::order(list.sort.as_deref(), &search::SORTABLE, "created_at").map_err(Refusal::invalid_query)?;
    let page = store::page(&filter, &order, window, |name| list.fields.wants(name));
    let (rows, total) = window.read(cx.db(), page, store::count(&filter)).await?;
    let users = several(cx, &rows, &list.fields);
    Ok(Body(window.list("users", users, total)))
}

async fn create(cx: &Management, Members(body): Members) -> Result<Created<User>, Error<Refusal>> {
    let mut attributes = Attributes::check(body).map_err(Refusal::invalid_body)?;
    let named = attributes.connection.take().ok_or_else(|| missing("connection"))?;
    let connection = connection(cx, &named).await?;
    let provider = connection.provider().ok_or_else(|| {
        Refusal::bad_request(
            "invalid_body",
            "The users of this connection come from elsewhere: they are made when they sign in",
        )
    })?;
    let wanted = attributes.user_id.take();
    let named = attributes.named();
    let password = attributes.password.take();
    let user = attributes.into_new(&connection.name, provider)?.map_err(Refusal::invalid_body)?;
    if let Some(username) = &user.username {
        connection.check_username(username).map_err(Refusal::invalid_body)?;
    }
    if let Some(password) = &password {
        check_has_passwords(&connection)?;
        let (email, username) = (user.email.as_deref(), user.username.as_deref());
        check_password(cx, &connection, Choosing::Account, password, email, username).await?;
    }
    let (platform, now) = (cx.call().platform(), cx.call().now);
    let mut random = [0; 12];
    platform.random(&mut random);
    let id = model::user_id(provider, wanted.as_deref(), random).map_err(Refusal::invalid_body)?;
    let phone = user.phone_number.as_deref().unwrap_or_default();
    check_phone(cx, &id, &connection.name, phone).await?;
    let mut batch =
        vec![store::phone_holder(&id, &connection.name, phone).into(), store::insert(&id, &user, now)?];
    if let Some(password) = &password {
        batch.push(store::set_password(
            &id,
            &password::hash(&cx.call().shared, cx.tenant().id(), password).await?,
            now,
        ));
    }
    batch.push(store::by_id(&id).into());
    let change = Change::of("Create a User", "user", &id).made(&named);
    let outcomes = cx.commit_people(&change, batch).await;
    let outcomes =
        outcomes.on_conflict("users.", || Refusal::conflict("user_exists", "The user already exists."))?;
    check_phone_is_free(&outcomes)?;
    let rows = outcomes.iter().flat_map(|outcome| &outcome.rows);
    let row = rows.last().ok_or_else(|| Fault::internal("the new user was not read back"))?;
    Ok(Created(store::user(row)?))
}

async fn get(
    cx: &Management,
    (Path(id), Query(fields)): (Path<UserId>, Query<Fields>),
) -> Result<Body<Json>, Error<Refusal>> {
    let row = cx.db().first(store::by_id(&id)).await?.ok_or_else(inexistent)?;
    Ok(Body(shown(&store::user(&row)?, &fields)?))
}

async fn update(
    cx: &Management,
    (Path(id), Members(body)): (Path<UserId>, Members),
) -> Result<Body<User>, Error<Refusal>> {
    let mut attributes = Attributes::check(body).map_err(Refusal::invalid_body)?;
    if attributes.user_id.is_some() {
        return Err(Refusal::invalid_body("Additional properties not allowed: user_id".to_owned()).into());
    }
    let [user, held] =
        cx.db().read([store::by_id(&id), permissions::store::held(&id, &cx.audience())]).await?;
    let user = user.first().ok_or_else(inexistent)?.mended(&store::DOCUMENTS, store::user)?;
    if attributes.changes_sign_in() {
        // Whoever can sign in as somebody holds what they hold; whoever keeps them from it takes that from them.
        let held = held.iter().map(|row| row.text("permission_name")).collect::<Result<Vec<_>, _>>()?;
        cx.check_may_stand_over(held.iter().map(String::as_str))?;
    }
    // Auth0: with the connection of a linked identity, what is about signing in is about that one.
    let identity = match attributes.connection.as_deref().filter(|named| *named != user.connection()) {
        Some(named) => {
            let identity = user.linked(named);
            let why = || Refusal::invalid_body("The user does not belong to this connection");
            Some(identity.ok_or_else(why)?)
        }
        None => None,
    };
    if let Some(username) = attributes.columns.get("username").and_then(Json::as_str) {
        let named = identity.map_or(user.connection(), |identity| identity.connection.as_str());
        connection(cx, named).await?.check_username(username).map_err(Refusal::invalid_body)?;
    }
    let (cause, named) = (attributes.ends(&user), attributes.named());
    let of_identity = identity.map(|identity| (identity, attributes.split_identity()));
    attributes.unprove(user.email.as_deref(), user.phone_number.as_deref());
    let now = cx.call().now;
    let phone = |attributes: &Attributes| {
        attributes.columns.get("phone_number").and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let mut batch = Vec::new();
    match of_identity {
        Some((identity, mut of_identity)) => {
            of_identity.unprove(identity.says("email"), identity.says("phone_number"));
            let row = identity.row_id();
            check_phone(cx, &row, &identity.connection, &phone(&of_identity)).await?;
            batch.push(store::phone_holder(&row, &identity.connection, &phone(&of_identity)).into());
            let of = (identity.connection.as_str(), identity.says("email"), None);
            batch.extend(new_password(cx, &row, of, &of_identity).await?);
            batch.push(store::update_identity(&row, &id, &of_identity, now)?);
        }
        None => {
            check_phone(cx, &id, user.connection(), &phone(&attributes)).await?;
            batch.push(store::phone_holder(&id, user.connection(), &phone(&attributes)).into());
            let of = (user.connection(), user.email.as_deref(), user.username.as_deref());
            batch.extend(new_password(cx, &id, of, &attributes).await?);
        }
    }
    if let Some(email) = attributes.columns.get("email").and_then(Json::as_str) {
        let verified = attributes.columns.get("email_verified") == Some(&Json::Bool(true));
        batch.push(store::give_up_address(&id, user.connection(), email));
        let old = user.email.as_deref().filter(|old| *old != email);
        batch.extend(old.map(|old| store::follow_address(&id, old, email, verified)));
    }
    batch.push(store::update(&id, &attributes, now)?);
    if let Some(cause) = cause {
        batch.extend(endings::of_person(cause, &id, now));
    }
    batch.push(store::by_id(&id).into());
    let change = Change::of("Update a User", "user", &id).patched(&user, &named);
    let outcomes = cx.commit_people(&change, batch).await;
    // Auth0: 400, where creating a user is 409.
    let taken =
        |what: &str| Refusal::bad_request("user_exists", format!("The specified new {what} already exists"));
    let outcomes = match outcomes.on_conflict("users.email", || taken("email")) {
        Err(Error::Fault(fault)) => Err(fault).on_conflict("users.username", || taken("username")),
        other => other,
    }?;
    check_phone_is_free(&outcomes)?;
    // Somebody may have deleted the user since it was read.
    let row = outcomes.iter().flat_map(|outcome| &outcome.rows).last().ok_or_else(inexistent)?;
    Ok(Body(store::user(row)?))
}

async fn delete(cx: &Management, Path(id): Path<UserId>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::by_id(&id)).await? else { return Ok(NoContent) };
    cx.check_may_stand_over_person(&id).await?;
    let change = Change::of("Delete a User", "user", &id).taken("email", &row.text("email").ok());
    cx.commit_people(&change, store::remove(store::Whose::Account(&id))).await?;
    Ok(NoContent)
}

/// The query of a search by address.
#[derive(Debug, Deserialize)]
pub struct ByEmail {
    email: String,
    #[serde(flatten)]
    fields: Fields,
}

async fn by_email(cx: &Management, Query(query): Query<ByEmail>) -> Result<Body<Vec<Json>>, Error<Refusal>> {
    let rows = cx.db().all(store::by_email(&query.email.to_lowercase())).await?;
    Ok(Body(several(cx, &rows, &query.fields)))
}

pub(crate) fn inexistent() -> Refusal {
    Refusal::not_found("inexistent_user", "The user does not exist.")
}

fn missing(name: &str) -> Refusal {
    Refusal::invalid_body(format!("Missing required property: {name}"))
}

/// Checks that a number, if one is given, is nobody else's, before anything is written.
async fn check_phone(
    cx: &Management,
    id: &UserId,
    connection: &str,
    phone: &str,
) -> Result<(), Error<Refusal>> {
    if !phone.is_empty() && cx.db().first(store::phone_holder(id, connection, phone)).await?.is_some() {
        return Err(phone_taken().into());
    }
    Ok(())
}

fn phone_taken() -> Refusal {
    Refusal::conflict("user_exists", "Another user of this connection has this phone number")
}

/// Somebody may have taken it meanwhile: a batch begins by asking who has the number that it gives.
fn check_phone_is_free(outcomes: &[Outcome]) -> Result<(), Refusal> {
    if outcomes.first().is_some_and(|holder| !holder.rows.is_empty()) {
        return Err(phone_taken());
    }
    Ok(())
}

/// What sets a new password, if there is one, of the identity `id` with this connection, address and user name.
async fn new_password(
    cx: &Management,
    id: &UserId,
    (named, email, username): (&str, Option<&str>, Option<&str>),
    attributes: &Attributes,
) -> Result<Option<Statement<InTenant>>, Error<Refusal>> {
    let Some(password) = &attributes.password else { return Ok(None) };
    let column = |name: &str| attributes.columns.get(name).and_then(Json::as_str);
    let connection = connection(cx, named).await?;
    check_has_passwords(&connection)?;
    let (email, username) = (column("email").or(email), column("username").or(username));
    check_password(cx, &connection, Choosing::Change, password, email, username).await?;
    let hash = password::hash(&cx.call().shared, cx.tenant().id(), password).await?;
    Ok(Some(store::set_password(id, &hash, cx.call().now)))
}

fn check_has_passwords(connection: &Connection) -> Result<(), Refusal> {
    if connection.is_database() {
        return Ok(());
    }
    Err(Refusal::bad_request("invalid_body", "The users of this connection have no password here"))
}

/// The connection of this name.
async fn connection(cx: &Management, name: &str) -> Result<Connection, Error<Refusal>> {
    let known = cx.snapshot().await?.connections.iter().find(|connection| connection.name == name).cloned();
    let found = match known {
        Some(connection) => Some(connection),
        // It may have been made a moment ago, by another isolate.
        None => {
            let row = cx.db().first(connections::store::by_name(name)).await?;
            row.map(|row| connections::store::connection(&row)).transpose()?
        }
    };
    let missing = || Refusal::bad_request("inexistent_connection", "The connection does not exist.");
    Ok(found.ok_or_else(missing)?)
}

async fn check_password(
    cx: &Management,
    connection: &Connection,
    choosing: Choosing,
    password: &Secret,
    email: Option<&str>,
    username: Option<&str>,
) -> Result<(), Error<Refusal>> {
    let snapshot = cx.snapshot().await?;
    let policy = Policy::at(connection, cx.tenant().id(), &snapshot, choosing);
    policy.check(password, email, username).map_err(|weakness| {
        Refusal::bad_request(weakness.code(), format!("{}: {weakness}", weakness.name())).into()
    })
}

/// Users with the members that the client wants of them.
fn several(cx: &Management, rows: &[Row], fields: &Fields) -> Vec<Json> {
    cx.readable(("users", "user_id"), rows, |row| shown(&store::user(row)?, fields))
}

/// An object with the members that the client wants of it.
fn shown(object: &impl Serialize, fields: &Fields) -> Result<Json, Fault> {
    let object = serde_json::to_value(object).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(fields.of(object))
}
