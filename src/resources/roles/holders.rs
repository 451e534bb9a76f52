//! The management API of who holds which roles, everywhere; roles in an organization are the organization's.

use super::{ROLES, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{
        Page, Row,
        page::{Paging, total},
    },
    error::Error,
    events::Change,
    http::{Json, NoContent, Path, Query, Response, StatusCode, route::Routes},
    id::{RoleId, UserId},
    resources::{
        engine::{api::inexistent, model::stored},
        named::{check_count, check_known, texts},
        permissions, users,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    const OF_ROLE: &str = "/api/v2/roles/{id}/users";
    r.get(OF_ROLE, scope("read:users"), list_users);
    r.post(OF_ROLE, scope("update:users"), add_users);

    const OF_USER: &str = "/api/v2/users/{id}/roles";
    r.get(OF_USER, scope("read:users"), list_roles);
    r.post(OF_USER, scope("update:users"), add_roles);
    r.delete(OF_USER, scope("update:users"), remove_roles);
}

/// Users to give a role.
#[derive(Deserialize)]
struct Users {
    users: Vec<UserId>,
}

/// Roles to give or to take.
#[derive(Deserialize)]
struct Roles {
    roles: Vec<RoleId>,
}

/// How many can be named in one call.
const MAX: usize = 100;

async fn list_users(
    cx: &Management,
    (Path(id), Query(paging)): (Path<RoleId>, Query<Paging>),
) -> Result<Json<Value>, Error<Refusal>> {
    let part = paging.check().map_err(Refusal::invalid_query)?;
    let [role, mut rows, count] =
        cx.db().read([store::by_id(&id), store::holders(&id, &part), store::count_holders(&id)]).await?;
    role.first().ok_or_else(|| inexistent(&ROLES))?;
    let next = part.cut(&mut rows, "user_id")?;
    let present = |mut columns: Map<String, Value>| {
        columns.retain(|_, value| !value.is_null());
        Value::Object(columns)
    };
    let users = rows.into_iter().map(|row| present(row.0)).collect();
    Ok(Json(part.list("users", users, total(&count)?, next)))
}

async fn list_roles(
    cx: &Management,
    (Path(id), Query(page)): (Path<UserId>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [user, rows, count] = cx
        .db()
        .read([users::store::exists(&id), store::of_user(&id, window), store::count_of_user(&id)])
        .await?;
    user.first().ok_or_else(users::api::inexistent)?;
    let roles = cx.readable(("roles", "id"), &rows, |row| Ok(Value::Object(stored(&ROLES, row)?)));
    Ok(Json(window.list("roles", roles, total(&count)?)))
}

// Auth0: 200 without content.
async fn add_users(
    cx: &Management,
    (Path(id), Json(body)): (Path<RoleId>, Json<Users>),
) -> Result<Response, Error<Refusal>> {
    check_count("users", body.users.len(), MAX)?;
    let (users, roles) = (json!(body.users), json!([id]));
    let [role, known, permissions] = cx
        .db()
        .read([
            store::by_id(&id),
            users::store::existing(&users),
            permissions::store::in_roles(&roles, &cx.audience()),
        ])
        .await?;
    role.first().ok_or_else(|| inexistent(&ROLES))?;
    check_known("user", body.users.iter().map(UserId::as_str), &texts(&known, "user_id")?)?;
    let change = Change::of("Assign Users to a Role", "role", &id).added("users", &users);
    give(cx, &change, &users, &roles, &permissions).await?;
    Ok(Response::empty(StatusCode::OK))
}

async fn add_roles(
    cx: &Management,
    (Path(id), Json(body)): (Path<UserId>, Json<Roles>),
) -> Result<NoContent, Error<Refusal>> {
    check_count("roles", body.roles.len(), MAX)?;
    let (users, roles) = (json!([id]), json!(body.roles));
    let [user, known, permissions] = cx
        .db()
        .read([
            users::store::exists(&id),
            store::existing(&roles),
            permissions::store::in_roles(&roles, &cx.audience()),
        ])
        .await?;
    user.first().ok_or_else(users::api::inexistent)?;
    check_known("role", body.roles.iter().map(RoleId::as_str), &texts(&known, "id")?)?;
    let change = Change::of("Assign Roles to a User", "user", &id).added("roles", &roles);
    give(cx, &change, &users, &roles, &permissions).await?;
    Ok(NoContent)
}

async fn remove_roles(
    cx: &Management,
    (Path(id), Json(body)): (Path<UserId>, Json<Roles>),
) -> Result<NoContent, Error<Refusal>> {
    check_count("roles", body.roles.len(), MAX)?;
    let roles = json!(body.roles);
    let [user, permissions] = cx
        .db()
        .read([users::store::exists(&id), permissions::store::in_roles(&roles, &cx.audience())])
        .await?;
    user.first().ok_or_else(users::api::inexistent)?;
    if !permissions.is_empty() {
        cx.check_may_stand_over_person(&id).await?;
    }
    let change = Change::of("Remove Roles from a User", "user", &id).taken("roles", &roles);
    cx.commit_people(&change, [store::take(&id, &roles)]).await?;
    Ok(NoContent)
}

/// Gives users roles which hold these permissions of the management API.
async fn give(
    cx: &Management,
    change: &Change,
    users: &Value,
    roles: &Value,
    permissions: &[Row],
) -> Result<(), Error<Refusal>> {
    let permissions = texts(permissions, "permission_name")?;
    cx.check_may_give(permissions.iter().map(String::as_str))?;
    cx.commit_people(change, [store::give(users, roles, cx.call().now)]).await?;
    Ok(())
}
