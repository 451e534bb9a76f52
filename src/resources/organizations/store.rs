//! SQL for organizations and their members.

use super::ORGANIZATIONS;
use crate::{
    db::{
        Query, Row, Statement, list,
        page::{Part, Window},
        read, write,
    },
    id::{ConnectionId, OrganizationId, RoleId, UserId},
    resources::engine,
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::{Map, Value as Json};

/// The organization with this id; one row or none.
pub fn by_id(id: &OrganizationId) -> Query<InTenant> {
    read("select id, name, display_name, document from organizations where tenant_id = ?1 and id = ?2")
        .bind(id)
}

/// The organization with this name; one row or none.
pub fn by_name(name: &str) -> Query<InTenant> {
    engine::store::by(&ORGANIZATIONS, "name", name)
}

/// Changes what an organization is called for people.
pub fn set_display_name(id: &OrganizationId, name: &str, now: Timestamp) -> Statement<InTenant> {
    write("update organizations set display_name = ?3, updated_at = ?4 where tenant_id = ?1 and id = ?2")
        .bind(id)
        .bind(name)
        .bind(now)
}

/// Takes what the members of an organization hold there directly.
pub fn take_permissions(id: &OrganizationId) -> Statement<InTenant> {
    write(
        "delete from user_permissions where tenant_id = ?1 and organization_id = ?2 and user_id in (
           select user_id from organization_members where tenant_id = ?1 and organization_id = ?2)",
    )
    .bind(id)
}

/// Removes an organization with its members and with what they hold there.
pub fn remove(id: &OrganizationId) -> Vec<Statement<InTenant>> {
    let rest = engine::store::remove(&ORGANIZATIONS, id.as_str(), &Row::default());
    std::iter::once(take_permissions(id)).chain(rest).collect()
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

/// A part of the members with what is shown of them and the roles that they hold there, by user id.
pub fn members(id: &OrganizationId, part: &Part) -> Query<InTenant> {
    part.bind(
        read(
            "select m.user_id, u.email, u.name, u.picture, (
           select json_group_array(json_object('id', r.id, 'name', r.name)) from user_roles h
           join roles r on r.tenant_id = ?1 and r.id = h.role_id
           where h.tenant_id = ?1 and h.user_id = m.user_id and h.organization_id = ?2) as roles
         from organization_members m
         join users u on u.tenant_id = ?1 and u.user_id = m.user_id
         where m.tenant_id = ?1 and m.organization_id = ?2 and m.user_id > ?3
         order by m.user_id limit ?4 offset ?5",
        )
        .bind(id),
    )
}

/// How many members there are, as `total`.
pub fn count_members(id: &OrganizationId) -> Query<InTenant> {
    read("select count(*) as total from organization_members where tenant_id = ?1 and organization_id = ?2")
        .bind(id)
}

/// A part of the organizations that a user is a member of, by id.
pub fn of_user(user: &UserId, part: &Part) -> Query<InTenant> {
    part.bind(
        read(
            "select o.id, o.name, o.display_name, o.document from organization_members m
         join organizations o on o.tenant_id = ?1 and o.id = m.organization_id
         where m.tenant_id = ?1 and m.user_id = ?2 and m.organization_id > ?3
         order by m.organization_id limit ?4 offset ?5",
        )
        .bind(user),
    )
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

/// How people sign in to an organization through a connection.
pub struct Enabled<'a> {
    connection: &'a str,
    assign_membership_on_login: bool,
    show_as_button: bool,
    is_signup_enabled: bool,
}

impl<'a> Enabled<'a> {
    /// From a body that was checked, with Auth0's defaults.
    pub fn of(body: &'a Map<String, Json>) -> Self {
        let flag = |name: &str, default: bool| body.get(name).and_then(Json::as_bool).unwrap_or(default);
        Self {
            connection: body.get("connection_id").and_then(Json::as_str).unwrap_or_default(),
            assign_membership_on_login: flag("assign_membership_on_login", false),
            show_as_button: flag("show_as_button", true),
            is_signup_enabled: flag("is_signup_enabled", false),
        }
    }
}

/// Enables a connection for an organization. One that is enabled already is a conflict of
/// `organization_connections.connection_id`.
pub fn enable(id: &OrganizationId, enabled: &Enabled<'_>, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into organization_connections (tenant_id, organization_id, connection_id, assign_membership_on_login,
           show_as_button, is_signup_enabled, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )
    .counted_in([list([id.as_str()])])
    .bind(id)
    .bind(enabled.connection)
    .bind(enabled.assign_membership_on_login)
    .bind(enabled.show_as_button)
    .bind(enabled.is_signup_enabled)
    .bind(now)
}

/// Sets what a body names of a connection that is enabled.
pub fn set_connection(
    id: &OrganizationId,
    connection: &ConnectionId,
    set: &Map<String, Json>,
    now: Timestamp,
) -> Statement<InTenant> {
    let flag = |name: &str| set.get(name).and_then(Json::as_bool);
    write(
        "update organization_connections set assign_membership_on_login = coalesce(?4, assign_membership_on_login),
           show_as_button = coalesce(?5, show_as_button), is_signup_enabled = coalesce(?6, is_signup_enabled),
           updated_at = ?7
         where tenant_id = ?1 and organization_id = ?2 and connection_id = ?3",
    )
    .bind(id)
    .bind(connection)
    .bind(flag("assign_membership_on_login"))
    .bind(flag("show_as_button"))
    .bind(flag("is_signup_enabled"))
    .bind(now)
}

/// Takes a connection from an organization.
pub fn disable(id: &OrganizationId, connection: &ConnectionId) -> Statement<InTenant> {
    write("delete from organization_connections where tenant_id = ?1 and organization_id = ?2 and connection_id = ?3")
        .bind(id)
        .bind(connection)
}

/// Takes every connection from an organization.
pub fn disable_all(id: &OrganizationId) -> Statement<InTenant> {
    write("delete from organization_connections where tenant_id = ?1 and organization_id = ?2").bind(id)
}

/// Has the organization say which connections are enabled for it, as its rows do by then.
pub fn say_connections(id: &OrganizationId) -> Statement<InTenant> {
    write(
        "update organizations set document = json_set(iif(json_valid(document), document, '{}'), '$.enabled_connections', json((
           select json_group_array(json_object('connection_id', e.connection_id,
             'assign_membership_on_login', json(iif(e.assign_membership_on_login, 'true', 'false')),
             'show_as_button', json(iif(e.show_as_button, 'true', 'false')),
             'is_signup_enabled', json(iif(e.is_signup_enabled, 'true', 'false'))))
           from organization_connections e where e.tenant_id = ?1 and e.organization_id = ?2)))
         where tenant_id = ?1 and id = ?2",
    )
    .bind(id)
}

/// A part of the connections that are enabled for an organization, by id.
pub fn connections(id: &OrganizationId, part: &Part) -> Query<InTenant> {
    part.bind(read(
        "select e.connection_id, e.assign_membership_on_login, e.show_as_button, e.is_signup_enabled, c.name, c.strategy
         from organization_connections e join connections c on c.tenant_id = ?1 and c.id = e.connection_id
         where e.tenant_id = ?1 and e.organization_id = ?2 and e.connection_id > ?3
         order by e.connection_id limit ?4 offset ?5",
    )
    .bind(id))
}

/// How many there are, as `total`.
pub fn count_connections(id: &OrganizationId) -> Query<InTenant> {
    read("select count(*) as total from organization_connections where tenant_id = ?1 and organization_id = ?2").bind(id)
}

/// One of them; one row or none.
pub fn connection(id: &OrganizationId, connection: &ConnectionId) -> Query<InTenant> {
    read(
        "select e.connection_id, e.assign_membership_on_login, e.show_as_button, e.is_signup_enabled, c.name, c.strategy
         from organization_connections e join connections c on c.tenant_id = ?1 and c.id = e.connection_id
         where e.tenant_id = ?1 and e.organization_id = ?2 and e.connection_id = ?3",
    )
    .bind(id)
    .bind(connection)
}

/// A page of the invitations to an organization, by id.
pub fn invitations(id: &OrganizationId, window: Window) -> Query<InTenant> {
    read(
        "select id, organization_id, client_id, document, created_at, expires_at from organization_invitations
         indexed by organization_invitations_by_organization
         where tenant_id = ?1 and organization_id = ?2 order by id limit ?3 offset ?4",
    )
    .bind(id)
    .bind(window.size)
    .bind(window.start)
}

/// How many there are, as `total`.
pub fn count_invitations(id: &OrganizationId) -> Query<InTenant> {
    read(
        "select count(*) as total from organization_invitations indexed by organization_invitations_by_organization
         where tenant_id = ?1 and organization_id = ?2",
    )
    .bind(id)
}

/// One of them; one row or none.
pub fn invitation(id: &OrganizationId, invitation: &str) -> Query<InTenant> {
    read(
        "select id, organization_id, client_id, document, created_at, expires_at from organization_invitations
         where tenant_id = ?1 and id = ?3 and organization_id = ?2",
    )
    .bind(id)
    .bind(invitation)
}

/// Takes an invitation back: its link is worth nothing any more.
pub fn revoke_invitation(id: &OrganizationId, invitation: &str) -> Statement<InTenant> {
    write("delete from organization_invitations where tenant_id = ?1 and id = ?3 and organization_id = ?2")
        .bind(id)
        .bind(invitation)
}
