//! SQL for the permissions of roles and of users.

use crate::{
    db::{Query, Statement, list, page::Window, read, write},
    id::{RoleId, UserId},
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::Value as Json;

/// A page of the permissions of a role.
pub fn of_role(id: &RoleId, window: Window) -> Query<InTenant> {
    read(
        "select resource_server_identifier, permission_name from role_permissions where tenant_id = ?1 and role_id = ?2
         order by resource_server_identifier, permission_name limit ?3 offset ?4",
    )
    .bind(id)
    .bind(window.size)
    .bind(window.start)
}

/// How many permissions a role has, as `total`.
pub fn count_of_role(id: &RoleId) -> Query<InTenant> {
    read("select count(*) as total from role_permissions where tenant_id = ?1 and role_id = ?2").bind(id)
}

/// Gives a role `permissions` (a JSON array). Those that it has change nothing.
pub fn give_role(id: &RoleId, permissions: &Json, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into role_permissions (tenant_id, role_id, resource_server_identifier, permission_name, created_at)
         select ?1, r.id, p.value ->> 'resource_server_identifier', p.value ->> 'permission_name', ?4
         from roles r, json_each(?3) p where r.tenant_id = ?1 and r.id = ?2 on conflict do nothing",
    )
    .counted_in([list([id.as_str()])])
    .bind(id)
    .bind(permissions)
    .bind(now)
}

/// Takes `permissions` (a JSON array) from a role.
pub fn take_role(id: &RoleId, permissions: &Json) -> Statement<InTenant> {
    write(
        "delete from role_permissions where tenant_id = ?1 and role_id = ?2
         and (resource_server_identifier, permission_name) in (
           select value ->> 'resource_server_identifier', value ->> 'permission_name' from json_each(?3))",
    )
    .bind(id)
    .bind(permissions)
}

/// A page of the permissions that a user holds everywhere, directly and by roles, each with its sources as JSON.
pub fn of_user(id: &UserId, window: Window) -> Query<InTenant> {
    read(
        "select resource_server_identifier, permission_name, json_group_array(json_object(
           'source_id', source_id, 'source_name', source_name, 'source_type', source_type)) as sources
         from (
           select resource_server_identifier, permission_name, '' as source_id, '' as source_name, 'DIRECT' as source_type
           from user_permissions where tenant_id = ?1 and user_id = ?2 and organization_id = ''
           union all
           select p.resource_server_identifier, p.permission_name, r.id, r.name, 'ROLE' from user_roles h
           join roles r on r.tenant_id = ?1 and r.id = h.role_id
           join role_permissions p on p.tenant_id = ?1 and p.role_id = r.id
           where h.tenant_id = ?1 and h.user_id = ?2 and h.organization_id = '')
         group by resource_server_identifier, permission_name
         order by resource_server_identifier, permission_name limit ?3 offset ?4",
    )
    .bind(id)
    .bind(window.size)
    .bind(window.start)
}

/// How many permissions a user holds everywhere, as `total`.
pub fn count_of_user(id: &UserId) -> Query<InTenant> {
    read(
        "select count(*) as total from (
           select resource_server_identifier, permission_name from user_permissions
           where tenant_id = ?1 and user_id = ?2 and organization_id = ''
           union
           select p.resource_server_identifier, p.permission_name from user_roles h
           join role_permissions p on p.tenant_id = ?1 and p.role_id = h.role_id
           where h.tenant_id = ?1 and h.user_id = ?2 and h.organization_id = '')",
    )
    .bind(id)
}

/// Gives a user `permissions` (a JSON array) everywhere. Those that they hold change nothing.
pub fn give_user(id: &UserId, permissions: &Json, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into user_permissions (tenant_id, user_id, resource_server_identifier, permission_name, created_at)
         select ?1, u.user_id, p.value ->> 'resource_server_identifier', p.value ->> 'permission_name', ?4
         from users u, json_each(?3) p where u.tenant_id = ?1 and u.user_id = ?2 and u.linked_to is null
         on conflict do nothing",
    )
    .counted_in(["".into(), list([id.as_str()])])
    .bind(id)
    .bind(permissions)
    .bind(now)
}

/// Takes `permissions` (a JSON array) that a user holds directly and everywhere.
pub fn take_user(id: &UserId, permissions: &Json) -> Statement<InTenant> {
    write(
        "delete from user_permissions where tenant_id = ?1 and user_id = ?2 and organization_id = ''
         and (resource_server_identifier, permission_name) in (
           select value ->> 'resource_server_identifier', value ->> 'permission_name' from json_each(?3))",
    )
    .bind(id)
    .bind(permissions)
}

/// What a user holds of the API of this audience, directly and by roles: names, with the organization they are held in
/// (empty: everywhere).
pub fn held(id: &UserId, audience: &str) -> Query<InTenant> {
    read(
        "select permission_name, organization_id from user_permissions
         where tenant_id = ?1 and user_id = ?2 and resource_server_identifier = ?3
         union
         select p.permission_name, h.organization_id from user_roles h
         join role_permissions p on p.tenant_id = ?1 and p.role_id = h.role_id and p.resource_server_identifier = ?3
         where h.tenant_id = ?1 and h.user_id = ?2",
    )
    .bind(id)
    .bind(audience)
}

/// What anybody holds of the API of this audience, directly or by a role, everywhere or in an organization: names.
pub fn held_by_somebody(audience: &str) -> Query<InTenant> {
    read(
        "select permission_name from user_permissions indexed by user_permissions_by_api
         where tenant_id = ?1 and resource_server_identifier = ?2
         union
         select p.permission_name from roles r
         join role_permissions p on p.tenant_id = ?1 and p.role_id = r.id and p.resource_server_identifier = ?2
         where r.tenant_id = ?1 and exists (
           select 1 from user_roles h indexed by user_roles_by_role where h.tenant_id = ?1 and h.role_id = r.id)",
    )
    .bind(audience)
}

/// What `roles` (a JSON array of ids) hold of the API of this audience.
pub fn in_roles(roles: &Json, audience: &str) -> Query<InTenant> {
    read(
        "select distinct permission_name from role_permissions
         where tenant_id = ?1 and role_id in (select value from json_each(?2)) and resource_server_identifier = ?3",
    )
    .bind(roles)
    .bind(audience)
}
