//! The management API of permissions: those of a role, and those of a user.

use super::{
    model::{Catalogue, Described, Permission, Permissions, names_of},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{ALL_TENANTS, Refusal, scope},
    },
    db::{Page, Row, Statement},
    error::{Error, Fault},
    events::Change,
    http::{Json, NoContent, Path, Query, Response, StatusCode, route::Routes},
    id::{RoleId, UserId},
    resources::{
        engine::api::{check_changeable, inexistent},
        named::texts,
        resource_servers,
        roles::{self, ROLES},
        users,
    },
    tenant::InTenant,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    const OF_ROLE: &str = "/api/v2/roles/{id}/permissions";
    r.get(OF_ROLE, scope("read:roles"), list_of_role);
    r.post(OF_ROLE, scope("update:roles"), give_role);
    r.delete(OF_ROLE, scope("update:roles"), take_role);

    const OF_USER: &str = "/api/v2/users/{id}/permissions";
    r.get(OF_USER, scope("read:users"), list_of_user);
    r.post(OF_USER, scope("update:users"), give_user);
    r.delete(OF_USER, scope("update:users"), take_user);
}

async fn list_of_role(
    cx: &Management,
    (Path(id), Query(page)): (Path<RoleId>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [role, rows, count] = cx
        .db()
        .read([roles::store::by_id(&id), store::of_role(&id, window), store::count_of_role(&id)])
        .await?;
    role.first().ok_or_else(|| inexistent(&ROLES))?;
    let total = crate::db::page::total(&count)?;
    Ok(Json(window.list("permissions", described(cx, &rows).await?, total)))
}

async fn list_of_user(
    cx: &Management,
    (Path(id), Query(page)): (Path<UserId>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [user, rows, count] = cx
        .db()
        .read([users::store::exists(&id), store::of_user(&id, window), store::count_of_user(&id)])
        .await?;
    user.first().ok_or_else(users::api::inexistent)?;
    let total = crate::db::page::total(&count)?;
    Ok(Json(window.list("permissions", described(cx, &rows).await?, total)))
}

async fn give_role(
    cx: &Management,
    (Path(id), Json(body)): (Path<RoleId>, Json<Permissions>),
) -> Result<Response, Error<Refusal>> {
    let [role, servers] = cx.db().read([roles::store::by_id(&id), resource_servers::store::all()]).await?;
    check_changeable(&ROLES, role.first().ok_or_else(|| inexistent(&ROLES))?)?;
    let permissions = givable(cx, body, &servers).await?;
    let change =
        Change::of("Associate Permissions with a Role", "role", &id).added("permissions", &permissions);
    give(cx, &change, store::give_role(&id, &permissions, cx.call().now)).await
}

async fn give_user(
    cx: &Management,
    (Path(id), Json(body)): (Path<UserId>, Json<Permissions>),
) -> Result<Response, Error<Refusal>> {
    let [user, servers] = cx.db().read([users::store::exists(&id), resource_servers::store::all()]).await?;
    user.first().ok_or_else(users::api::inexistent)?;
    let permissions = givable(cx, body, &servers).await?;
    let change = Change::of("Assign Permissions to a User", "user", &id).added("permissions", &permissions);
    give(cx, &change, store::give_user(&id, &permissions, cx.call().now)).await
}

async fn take_role(
    cx: &Management,
    (Path(id), Json(body)): (Path<RoleId>, Json<Permissions>),
) -> Result<NoContent, Error<Refusal>> {
    let permissions = registered(cx, body).await?;
    let held = store::in_roles(&json!([id]), &cx.audience());
    let [role, held] = cx.db().read([roles::store::by_id(&id), held]).await?;
    check_changeable(&ROLES, role.first().ok_or_else(|| inexistent(&ROLES))?)?;
    if names_of(&cx.audience(), &permissions).next().is_some() {
        cx.check_may_stand_over(texts(&held, "permission_name")?.iter().map(String::as_str))?;
    }
    let change = Change::of("Remove Permissions from a Role", "role", &id).taken("permissions", &permissions);
    cx.commit_people(&change, [store::take_role(&id, &json!(permissions))]).await?;
    Ok(NoContent)
}

async fn take_user(
    cx: &Management,
    (Path(id), Json(body)): (Path<UserId>, Json<Permissions>),
) -> Result<NoContent, Error<Refusal>> {
    let permissions = registered(cx, body).await?;
    cx.db().first(users::store::exists(&id)).await?.ok_or_else(users::api::inexistent)?;
    if names_of(&cx.audience(), &permissions).next().is_some() {
        cx.check_may_stand_over_person(&id).await?;
    }
    let change = Change::of("Remove Permissions from a User", "user", &id).taken("permissions", &permissions);
    cx.commit_people(&change, [store::take_user(&id, &json!(permissions))]).await?;
    Ok(NoContent)
}

/// 201 without content, as Auth0 answers here.
async fn give(
    cx: &Management,
    change: &Change,
    gift: Statement<InTenant>,
) -> Result<Response, Error<Refusal>> {
    cx.commit_people(change, [gift]).await?;
    Ok(Response::empty(StatusCode::CREATED))
}

/// The permissions of a body that exist and that the caller may give away.
async fn givable(cx: &Management, body: Permissions, servers: &[Row]) -> Result<Value, Error<Refusal>> {
    let servers = cx.readable(("resource_servers", "id"), servers, resource_servers::store::resource_server);
    // No person ever manages all tenants by one token.
    let scopes = cx.permissions().into_iter().filter(|scope| *scope != ALL_TENANTS).collect();
    let catalogue = Catalogue { management: cx.audience(), scopes, servers: &servers };
    let permissions = registered(cx, body).await?;
    catalogue.check(&permissions).map_err(|why| Refusal::bad_request("inexistent_permission", why))?;
    cx.check_may_give(names_of(&catalogue.management, &permissions))?;
    Ok(json!(permissions))
}

/// The permissions of a body under the names that they are kept under.
async fn registered(cx: &Management, body: Permissions) -> Result<Vec<Permission>, Error<Refusal>> {
    let mut permissions = body.counted().map_err(Refusal::invalid_body)?;
    let mut names = BTreeMap::new();
    for permission in &mut permissions {
        let named = &mut permission.resource_server_identifier;
        if !names.contains_key(named) {
            names.insert(named.clone(), cx.registered(named).await?);
        }
        if let Some(name) = names.get(named) {
            name.clone_into(named);
        }
    }
    Ok(permissions)
}

async fn described(cx: &Management, rows: &[Row]) -> Result<Vec<Value>, Fault> {
    let snapshot = cx.snapshot().await?;
    let described = |row: &Row| {
        let permission = Permission {
            resource_server_identifier: row.text("resource_server_identifier")?,
            permission_name: row.text("permission_name")?,
        };
        let sources = if row.0.contains_key("sources") { row.json("sources")? } else { Vec::new() };
        Ok(json!(Described::new(permission, sources, &snapshot.resource_servers)))
    };
    rows.iter().map(described).collect()
}
