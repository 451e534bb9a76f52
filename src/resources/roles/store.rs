//! SQL for roles, their permissions and who holds them.

use crate::{
    db::{Statement, write},
    id::{OrganizationId, RoleId, UserId},
    tenant::InTenant,
    time::Timestamp,
};

/// The id of the seeded role that lets a person manage a tenant. One fixed id, so that seeding twice cannot double it.
pub const TENANT_ADMIN_ROLE: &str = "rol_tenant_admin";

/// Adds a role of ours with one permission.
pub fn insert_system(
    id: &RoleId,
    name: &str,
    audience: &str,
    permission: &str,
    now: Timestamp,
) -> Vec<Statement<InTenant>> {
    vec![
        write(
            "insert into roles (tenant_id, id, name, is_system, created_at, updated_at) values (?1, ?2, ?3, 1, ?4, ?4)",
        )
        .bind(id)
        .bind(name)
        .bind(now),
        write(
            "insert into role_permissions (tenant_id, role_id, resource_server_identifier, permission_name, created_at)
             values (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(id)
        .bind(audience)
        .bind(permission)
        .bind(now),
    ]
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
    .bind(user)
    .bind(organization.map_or("", OrganizationId::as_str))
    .bind(role)
    .bind(now)
}
