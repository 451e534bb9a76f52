//! The management API of the members of an organization, and of the roles they hold in it.

use super::{ORGANIZATIONS, store};
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
    http::{Fields, Json, NoContent, Path, Query, route::Routes},
    id::{OrganizationId, RoleId, UserId},
    resources::{
        engine::api::inexistent,
        named::{check_count, check_known, texts},
        permissions, roles, users,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Members, then their roles.
pub(super) fn routes(r: &mut Routes) {
    const MEMBERS: &str = "/api/v2/organizations/{id}/members";
    r.get(MEMBERS, scope("read:organization_members"), list_members);
    r.post(MEMBERS, scope("create:organization_members"), add_members);
    r.delete(MEMBERS, scope("delete:organization_members"), remove_members);

    const ROLES: &str = "/api/v2/organizations/{id}/members/{user_id}/roles";
    r.get(ROLES, scope("read:organization_member_roles"), list_roles);
    r.post(ROLES, scope("create:organization_member_roles"), add_roles);
    r.delete(ROLES, scope("delete:organization_member_roles"), remove_roles);
}

/// Users to add or to remove.
#[derive(Deserialize)]
struct Users {
    members: Vec<UserId>,
}

/// Roles to give or to take.
#[derive(Deserialize)]
struct Roles {
    roles: Vec<RoleId>,
}

/// The member of an organization that a path names.
#[derive(Deserialize)]
struct Member {
    id: OrganizationId,
    user_id: UserId,
}

/// Auth0's limits for one call.
const USERS: usize = 10;
const ROLES: usize = 50;

/// Which members are wanted, and what of them.
#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    paging: Paging,
    #[serde(flatten)]
    fields: Fields,
}

/// What is shown of a member unless it is asked for other members (Auth0: their roles only then).
const SHOWN: [&str; 4] = ["user_id", "email", "name", "picture"];

async fn list_members(
    cx: &Management,
    (Path(id), Query(wanted)): (Path<OrganizationId>, Query<Wanted>),
) -> Result<Json<Value>, Error<Refusal>> {
    let part = wanted.paging.check().map_err(Refusal::invalid_query)?;
    let [organization, mut rows, count] =
        cx.db().read([store::by_id(&id), store::members(&id, &part), store::count_members(&id)]).await?;
    organization.first().ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let next = part.cut(&mut rows, "user_id")?;
    let asked = wanted.fields.names();
    let shown = |row: &Row| {
        let mut member = present(row.0.clone());
        member.insert("roles".to_owned(), row.json("roles")?);
        if !asked {
            member.retain(|name, _| SHOWN.contains(&name.as_str()));
        }
        Ok(wanted.fields.of(Value::Object(member)))
    };
    let members = cx.readable(("organization_members", "user_id"), &rows, shown);
    Ok(Json(part.list("members", members, total(&count)?, next)))
}

async fn add_members(
    cx: &Management,
    (Path(id), Json(body)): (Path<OrganizationId>, Json<Users>),
) -> Result<NoContent, Error<Refusal>> {
    check_count("members", body.members.len(), USERS)?;
    let [organization, users] =
        cx.db().read([store::by_id(&id), users::store::existing(&json!(body.members))]).await?;
    organization.first().ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    check_known("user", body.members.iter().map(UserId::as_str), &texts(&users, "user_id")?)?;
    let additions = body.members.iter().map(|user| store::add_member(&id, user, cx.call().now));
    let change =
        Change::of("Add members to an organization", "organization", &id).added("members", &body.members);
    cx.commit(&change, additions).await?;
    Ok(NoContent)
}

async fn remove_members(
    cx: &Management,
    (Path(id), Json(body)): (Path<OrganizationId>, Json<Users>),
) -> Result<NoContent, Error<Refusal>> {
    check_count("members", body.members.len(), USERS)?;
    cx.db().first(store::by_id(&id)).await?.ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    for user in &body.members {
        cx.check_may_stand_over_person(user).await?;
    }
    let removals = body.members.iter().flat_map(|user| store::remove_member(&id, user));
    let change = Change::of("Delete members from an organization", "organization", &id)
        .taken("members", &body.members);
    cx.commit(&change, removals).await?;
    Ok(NoContent)
}

async fn list_roles(
    cx: &Management,
    (Path(member), Query(page)): (Path<Member>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let Member { id, user_id } = &member;
    let [membership, rows, count] = cx
        .db()
        .read([
            store::membership(id, user_id),
            store::member_roles(id, user_id, window),
            store::count_member_roles(id, user_id),
        ])
        .await?;
    membership.first().ok_or_else(no_member)?;
    let roles = rows.into_iter().map(|row| Value::Object(present(row.0))).collect();
    Ok(Json(window.list("roles", roles, total(&count)?)))
}

async fn add_roles(
    cx: &Management,
    (Path(member), Json(body)): (Path<Member>, Json<Roles>),
) -> Result<NoContent, Error<Refusal>> {
    check_count("roles", body.roles.len(), ROLES)?;
    let Member { id, user_id } = &member;
    let named = json!(body.roles);
    let [membership, roles, permissions] = cx
        .db()
        .read([
            store::membership(id, user_id),
            roles::store::existing(&named),
            permissions::store::in_roles(&named, &cx.audience()),
        ])
        .await?;
    membership.first().ok_or_else(no_member)?;
    check_known("role", body.roles.iter().map(RoleId::as_str), &texts(&roles, "id")?)?;
    cx.check_may_give(texts(&permissions, "permission_name")?.iter().map(String::as_str))?;
    let additions = body.roles.iter().map(|role| store::add_member_role(id, user_id, role, cx.call().now));
    let change = Change::of("Assign roles to an organization member", "organization", id)
        .added("roles", &json!({ "user_id": user_id, "roles": named }));
    cx.commit(&change, additions).await?;
    Ok(NoContent)
}

async fn remove_roles(
    cx: &Management,
    (Path(member), Json(body)): (Path<Member>, Json<Roles>),
) -> Result<NoContent, Error<Refusal>> {
    check_count("roles", body.roles.len(), ROLES)?;
    let Member { id, user_id } = &member;
    let held = permissions::store::in_roles(&json!(body.roles), &cx.audience());
    let [membership, held] = cx.db().read([store::membership(id, user_id), held]).await?;
    membership.first().ok_or_else(no_member)?;
    if !held.is_empty() {
        cx.check_may_stand_over_person(user_id).await?;
    }
    let removals = body.roles.iter().map(|role| store::remove_member_role(id, user_id, role));
    let change = Change::of("Delete roles from an organization member", "organization", id)
        .taken("roles", &json!({ "user_id": user_id, "roles": body.roles }));
    cx.commit(&change, removals).await?;
    Ok(NoContent)
}

/// The columns that hold something: absent values are left out (Auth0).
fn present(mut columns: serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
    columns.retain(|_, value| !value.is_null());
    columns
}

fn no_member() -> Refusal {
    Refusal::not_found("inexistent_member", "No member found by that organization and user id")
}
