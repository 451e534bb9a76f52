//! SQL for roles and who holds them.

use crate::{
    db::{
        Query, Statement, list,
        page::{Part, Window},
        read, write,
    },
    id::{OrganizationId, RoleId, UserId},
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::Value as Json;

/// The id of the seeded role that lets a person manage a tenant. One fixed id, so that seeding twice cannot double it.
pub const TENANT_ADMIN_ROLE: &str = "rol_tenant_admin";

/// The role with this id; one row or none.
pub fn by_id(id: &RoleId) -> Query<InTenant> {
    read("select id, name, description, is_system from roles where tenant_id = ?1 and id = ?2").bind(id)
}

/// Which of `roles` (a JSON array of ids) exist.
pub fn existing(roles: &Json) -> Query<InTenant> {
    read("select id from roles where tenant_id = ?1 and id in (select value from json_each(?2))").bind(roles)
}

/// Adds the role of tenant administrators, which is the system's. A second one is a conflict.
pub fn insert_seeded(id: &RoleId, name: &str, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into roles (tenant_id, id, name, is_system, created_at, updated_at) values (?1, ?2, ?3, 1, ?4, ?4)",
    )
    .bind(id)
    .bind(name)
    .bind(now)
}

/// Gives a user a role, in an organization or everywhere. Giving it twice changes nothing.
pub fn assign(
    user: &UserId,
    organization: Option<&OrganizationId>,
    role: &RoleId,
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "insert into user_roles (tenant_id, user_id, organization_id, role_id, created_at) values (?1, ?2, ?3, ?4, ?5)
         on conflict do nothing",
    )
    .counted_in([organization.map_or("", OrganizationId::as_str).into(), list([user.as_str()])])
    .bind(user)
    .bind(organization.map_or("", OrganizationId::as_str))
    .bind(role)
    .bind(now)
}

/// Gives `users` the `roles` (JSON arrays of ids) everywhere. Changes nothing for those who hold them, and for users and
/// roles that do not exist (any more).
pub fn give(users: &Json, roles: &Json, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into user_roles (tenant_id, user_id, role_id, created_at)
         select ?1, u.user_id, r.id, ?4 from users u
         join roles r on r.tenant_id = ?1 and r.id in (select value from json_each(?3))
         where u.tenant_id = ?1 and u.user_id in (select value from json_each(?2)) and u.linked_to is null
         on conflict do nothing",
    )
    .counted_in(["".into(), users.into()])
    .bind(users)
    .bind(roles)
    .bind(now)
}

/// Takes `roles` (a JSON array of ids) that a user holds everywhere.
pub fn take(user: &UserId, roles: &Json) -> Statement<InTenant> {
    write(
        "delete from user_roles where tenant_id = ?1 and user_id = ?2 and organization_id = ''
         and role_id in (select value from json_each(?3))",
    )
    .bind(user)
    .bind(roles)
}

/// A page of the roles that a user holds everywhere, by name.
pub fn of_user(user: &UserId, window: Window) -> Query<InTenant> {
    read(
        "select r.id, r.name, r.description, r.is_system from user_roles h
         join roles r on r.tenant_id = ?1 and r.id = h.role_id
         where h.tenant_id = ?1 and h.user_id = ?2 and h.organization_id = '' order by r.name limit ?3 offset ?4",
    )
    .bind(user)
    .bind(window.size)
    .bind(window.start)
}

/// How many roles a user holds everywhere, as `total`.
pub fn count_of_user(user: &UserId) -> Query<InTenant> {
    read("select count(*) as total from user_roles where tenant_id = ?1 and user_id = ?2 and organization_id = ''")
        .bind(user)
}

/// A part of the users who hold a role everywhere, by user id, with what is shown of them.
pub fn holders(id: &RoleId, part: &Part) -> Query<InTenant> {
    part.bind(
        read(
            "select u.user_id, u.email, u.name, u.picture from user_roles h
         join users u on u.tenant_id = ?1 and u.user_id = h.user_id
         where h.tenant_id = ?1 and h.role_id = ?2 and h.organization_id = '' and h.user_id > ?3
         order by h.user_id limit ?4 offset ?5",
        )
        .bind(id),
    )
}

/// How many users hold a role everywhere, as `total`.
pub fn count_holders(id: &RoleId) -> Query<InTenant> {
    read("select count(*) as total from user_roles where tenant_id = ?1 and role_id = ?2 and organization_id = ''").bind(id)
}
