//! SQL for organizations and their members.

use crate::{
    db::{Query, read},
    id::{OrganizationId, UserId},
    tenant::InTenant,
};

/// The name of the organization if the user is a member of it, is not blocked, and holds `permission` of `audience`
/// there, by a role or directly. One row or none.
pub fn administers(
    organization: &OrganizationId,
    user: &UserId,
    audience: &str,
    permission: &str,
) -> Query<InTenant> {
    read(
        "select o.name from organizations o
         join organization_members m on m.tenant_id = ?1 and m.organization_id = o.id and m.user_id = ?3
         join users u on u.tenant_id = ?1 and u.user_id = m.user_id and u.blocked = 0
         where o.tenant_id = ?1 and o.id = ?2 and (
           exists (select 1 from user_roles r
                   join role_permissions p on p.tenant_id = ?1 and p.role_id = r.role_id
                    and p.resource_server_identifier = ?4 and p.permission_name = ?5
                   where r.tenant_id = ?1 and r.user_id = ?3 and r.organization_id = o.id)
           or exists (select 1 from user_permissions d
                      where d.tenant_id = ?1 and d.user_id = ?3 and d.organization_id = o.id
                        and d.resource_server_identifier = ?4 and d.permission_name = ?5))",
    )
    .bind(organization)
    .bind(user)
    .bind(audience)
    .bind(permission)
}
