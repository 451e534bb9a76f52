//! SQL for organizations and their members.

use super::model::Organization;
use crate::{
    db::{self, Query, Row, Statement, list, page::Window, read, write},
    error::Fault,
    id::{OrganizationId, RoleId, UserId},
    json,
    tenant::InTenant,
    time::Timestamp,
};

/// The organization with this id; one row or none.
pub fn by_id(id: &OrganizationId) -> Query<InTenant> {
    read("select id, name, display_name, document from organizations where tenant_id = ?1 and id = ?2")
        .bind(id)
}

/// The organization with this name; one row or none.
pub fn by_name(name: &str) -> Query<InTenant> {
    read("select id, name, display_name, document from organizations where tenant_id = ?1 and name = ?2")
        .bind(name)
}

/// A page of organizations, by name.
pub fn page(window: Window) -> Query<InTenant> {
    read(
        "select id, name, display_name, document from organizations where tenant_id = ?1
         order by name limit ?2 offset ?3",
    )
    .bind(window.size)
    .bind(window.start)
}

/// How many there are, as `total`.
pub fn count() -> Query<InTenant> {
    read("select count(*) as total from organizations where tenant_id = ?1")
}

/// Adds an organization. A taken name is a conflict of `organizations.name`.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn insert(organization: &Organization, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    Ok(write(
        "insert into organizations (tenant_id, id, name, display_name, document, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(&organization.id)
    .bind(organization.name.as_str())
    .bind(organization.display_name.as_deref())
    .bind(document(organization)?)
    .bind(now))
}

/// Refuses a batch if the organization of a row of [`by_id`] has been changed since.
///
/// # Errors
/// A fault if it is the row of something else.
pub fn unchanged(row: &Row) -> Result<Statement<InTenant>, Fault> {
    let columns = ["name", "display_name", "document"];
    db::unchanged("organizations", ("id", row.text("id")?.into()), &columns, row)
}

/// Replaces everything of an organization but its id. A taken name is a conflict of `organizations.name`.
///
/// # Errors
/// A fault if its settings do not serialize.
pub fn update(organization: &Organization, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    Ok(write(
        "update organizations set name = ?3, display_name = ?4, document = ?5, updated_at = ?6
         where tenant_id = ?1 and id = ?2",
    )
    .bind(&organization.id)
    .bind(organization.name.as_str())
    .bind(organization.display_name.as_deref())
    .bind(document(organization)?)
    .bind(now))
}

/// Changes what an organization is called for people.
pub fn set_display_name(id: &OrganizationId, name: &str, now: Timestamp) -> Statement<InTenant> {
    write("update organizations set display_name = ?3, updated_at = ?4 where tenant_id = ?1 and id = ?2")
        .bind(id)
        .bind(name)
        .bind(now)
}

/// Removes an organization with its members and with what they hold there.
pub fn remove(id: &OrganizationId) -> [Statement<InTenant>; 7] {
    [
        write(
            "delete from user_permissions where tenant_id = ?1 and organization_id = ?2 and user_id in (
               select user_id from organization_members where tenant_id = ?1 and organization_id = ?2)",
        )
        .bind(id),
        write("delete from user_roles indexed by user_roles_by_organization where tenant_id = ?1 and organization_id = ?2").bind(id),
        write("delete from organization_members where tenant_id = ?1 and organization_id = ?2").bind(id),
        write("delete from organization_invitations indexed by organization_invitations_by_organization where tenant_id = ?1 and organization_id = ?2").bind(id),
        write("delete from organization_connections where tenant_id = ?1 and organization_id = ?2").bind(id),
        write("delete from organization_client_grants where tenant_id = ?1 and organization_id = ?2").bind(id),
        write("delete from organizations where tenant_id = ?1 and id = ?2").bind(id),
    ]
}

/// Makes a user a member. Changes nothing if they are one already, or if either of the two does not exist.
pub fn add_member(id: &OrganizationId, user: &UserId, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
         select ?1, o.id, u.user_id, ?4 from organizations o
         join users u on u.tenant_id = ?1 and u.user_id = ?3 and u.linked_to is null
         where o.tenant_id = ?1 and o.id = ?2 on conflict do nothing",
    )
    .counted_in([list([id.as_str()])])
    .bind(id)
    .bind(user)
    .bind(now)
}

/// Ends a membership, and with it what the user holds in the organization: coming back does not bring it back.
pub fn remove_member(id: &OrganizationId, user: &UserId) -> [Statement<InTenant>; 3] {
    [
        write("delete from user_permissions where tenant_id = ?1 and organization_id = ?2 and user_id = ?3")
            .bind(id)
            .bind(user),
        write("delete from user_roles where tenant_id = ?1 and organization_id = ?2 and user_id = ?3")
            .bind(id)
            .bind(user),
        write(
            "delete from organization_members where tenant_id = ?1 and organization_id = ?2 and user_id = ?3",
        )
        .bind(id)
        .bind(user),
    ]
}

/// Whether the user is a member; one row or none.
pub fn membership(id: &OrganizationId, user: &UserId) -> Query<InTenant> {
    read(
        "select created_at from organization_members where tenant_id = ?1 and organization_id = ?2 and user_id = ?3",
    )
    .bind(id)
    .bind(user)
}

/// A page of members with what is shown of them, by user id.
pub fn members(id: &OrganizationId, window: Window) -> Query<InTenant> {
    read(
        "select m.user_id, u.email, u.name, u.picture from organization_members m
         join users u on u.tenant_id = ?1 and u.user_id = m.user_id
         where m.tenant_id = ?1 and m.organization_id = ?2 order by m.user_id limit ?3 offset ?4",
    )
    .bind(id)
    .bind(window.size)
    .bind(window.start)
}

/// How many members there are, as `total`.
pub fn count_members(id: &OrganizationId) -> Query<InTenant> {
    read("select count(*) as total from organization_members where tenant_id = ?1 and organization_id = ?2")
        .bind(id)
}

/// A page of the organizations that a user is a member of, by id.
pub fn of_user(user: &UserId, window: Window) -> Query<InTenant> {
    read(
        "select o.id, o.name, o.display_name, o.document from organization_members m
         join organizations o on o.tenant_id = ?1 and o.id = m.organization_id
         where m.tenant_id = ?1 and m.user_id = ?2 order by m.organization_id limit ?3 offset ?4",
    )
    .bind(user)
    .bind(window.size)
    .bind(window.start)
}

/// How many organizations a user is a member of, as `total`.
pub fn count_of_user(user: &UserId) -> Query<InTenant> {
    read("select count(*) as total from organization_members where tenant_id = ?1 and user_id = ?2")
        .bind(user)
}

/// A page of the roles that a member holds in the organization, by id.
pub fn member_roles(id: &OrganizationId, user: &UserId, window: Window) -> Query<InTenant> {
    read(
        "select r.id, r.name, r.description from user_roles h
         join roles r on r.tenant_id = ?1 and r.id = h.role_id
         where h.tenant_id = ?1 and h.organization_id = ?2 and h.user_id = ?3
         order by h.role_id limit ?4 offset ?5",
    )
    .bind(id)
    .bind(user)
    .bind(window.size)
    .bind(window.start)
}

/// How many roles a member holds in the organization, as `total`.
pub fn count_member_roles(id: &OrganizationId, user: &UserId) -> Query<InTenant> {
    read("select count(*) as total from user_roles where tenant_id = ?1 and organization_id = ?2 and user_id = ?3")
        .bind(id)
        .bind(user)
}

/// Gives a member a role in the organization. Changes nothing if they hold it, or are no member (any more).
pub fn add_member_role(
    id: &OrganizationId,
    user: &UserId,
    role: &RoleId,
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "insert into user_roles (tenant_id, user_id, organization_id, role_id, created_at)
         select ?1, m.user_id, m.organization_id, r.id, ?5 from organization_members m
         join roles r on r.tenant_id = ?1 and r.id = ?4
         where m.tenant_id = ?1 and m.organization_id = ?2 and m.user_id = ?3 on conflict do nothing",
    )
    .counted_in([id.into(), list([user.as_str()])])
    .bind(id)
    .bind(user)
    .bind(role)
    .bind(now)
}

/// Takes a role of the organization from a member.
pub fn remove_member_role(id: &OrganizationId, user: &UserId, role: &RoleId) -> Statement<InTenant> {
    write(
        "delete from user_roles where tenant_id = ?1 and organization_id = ?2 and user_id = ?3 and role_id = ?4",
    )
    .bind(id)
    .bind(user)
    .bind(role)
}

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

/// Reads a row of [`by_id`], [`by_name`], [`page`] or [`of_user`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn organization(row: &Row) -> Result<Organization, Fault> {
    Ok(Organization {
        id: OrganizationId::new(row.text("id")?),
        name: row.text("name")?,
        display_name: row.optional_text("display_name")?,
        document: row.json("document")?,
    })
}

fn document(organization: &Organization) -> Result<String, Fault> {
    json::write(&organization.document)
}
