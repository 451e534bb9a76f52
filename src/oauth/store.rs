//! SQL of the protocol: codes, and what a token says of a person.

use super::{
    code::{Code, CodeRequest, InOrganization, NewCode},
    scope::Held,
};
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::{ClientGrantId, ClientId, FamilyId, LogId, OrganizationId, SessionId, UserId},
    json,
    secret::Digest,
    tenant::InTenant,
    time::Timestamp,
};

/// An organization by id or name, the latter in any case (Auth0: names are in lower case, and SDKs compare so), and whether the person of a session cookie is its member. One row or none.
pub fn organization(id_or_name: &str, cookie: Option<&Digest>) -> Query<InTenant> {
    read(
        "select o.id, o.name, exists (
           select 1 from sessions s
           join organization_members m on m.tenant_id = ?1 and m.organization_id = o.id and m.user_id = s.user_id
           where s.tenant_id = ?1 and s.digest = ?3) as is_member
         from organizations o
         where o.tenant_id = ?1 and o.id = coalesce(
           (select id from organizations where tenant_id = ?1 and id = ?2),
           (select id from organizations where tenant_id = ?1 and name = ?2),
           (select id from organizations where tenant_id = ?1 and name = lower(?2)))",
    )
    .bind(id_or_name)
    .bind(cookie)
}

/// Reads a row of [`organization`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn organization_of(row: &Row) -> Result<(InOrganization, bool), Fault> {
    let organization = InOrganization { id: OrganizationId::new(row.text("id")?), name: row.text("name")? };
    Ok((organization, row.flag("is_member")?))
}

/// Keeps a code. `family` will be that of the refresh tokens that come of it.
///
/// # Errors
/// A fault if what was asked does not serialize.
pub fn insert_code(
    digest: &Digest,
    code: &NewCode<'_>,
    family: &FamilyId,
    now: Timestamp,
) -> Result<Statement<InTenant>, Fault> {
    let request = json::write(code.request)?;
    Ok(write(
        "insert into codes (tenant_id, digest, client_id, user_id, session_id, family_id, request, authenticated_at,
           created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(digest)
    .bind(code.client)
    .bind(code.user)
    .bind(code.session)
    .bind(family)
    .bind(request)
    .bind(code.authenticated_at)
    .bind(now)
    .bind(now.plus(super::code::LIFETIME)))
}

/// Removes some codes that ended before `moment`; until then a second use still tells that one has been stolen.
pub fn sweep_codes(moment: Timestamp) -> Statement<InTenant> {
    write(
        "delete from codes where tenant_id = ?1 and digest in (select digest from codes indexed by codes_by_expiry
           where tenant_id = ?1 and expires_at < ?2 order by expires_at limit 20)",
    )
    .bind(moment)
}

/// The code of this digest, used or not. One row or none.
pub fn code_by_digest(digest: &Digest) -> Query<InTenant> {
    read(
        "select client_id, user_id, session_id, request, authenticated_at, expires_at, used_at
         from codes where tenant_id = ?1 and digest = ?2",
    )
    .bind(digest)
}

/// Reads a row of [`code_by_digest`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn code(row: &Row) -> Result<Code, Fault> {
    Ok(Code {
        client: ClientId::new(row.text("client_id")?),
        user: UserId::new(row.text("user_id")?),
        session: SessionId::new(row.text("session_id")?),
        request: row.json::<CodeRequest>("request")?,
        authenticated_at: row.time("authenticated_at")?,
        expires_at: row.time("expires_at")?,
        used_at: row.optional_time("used_at")?,
    })
}

/// Records the exchange of a code in the log, unless it has been used. Stands before [`consume_code`] in its batch.
pub fn record_exchange(
    code: &Digest,
    id: &LogId,
    ip: &str,
    user_agent: &str,
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "insert into logs (tenant_id, id, type, date, user_id, client_id, ip, user_agent, description)
         select ?1, ?3, 'seacft', ?6, user_id, client_id, ?4, ?5, 'Code exchanged' from codes
         where tenant_id = ?1 and digest = ?2 and used_at is null",
    )
    .bind(code)
    .bind(id)
    .bind(ip)
    .bind(user_agent)
    .bind(now)
}

/// A machine that acts in an organization.
pub struct MachineUse<'a> {
    /// By id or name.
    pub organization: &'a str,
    /// By which grant.
    pub grant: &'a ClientGrantId,
    /// Whether the grant is good for any organization.
    pub any: bool,
    /// The machine.
    pub client: &'a ClientId,
}

/// The organization `o` of [`MachineUse`]: `?2` is its id or name.
macro_rules! named_organization {
    () => {
        "organizations o where o.tenant_id = ?1 and o.id = coalesce(
           (select id from organizations where tenant_id = ?1 and id = ?2),
           (select id from organizations where tenant_id = ?1 and name = lower(?2)))"
    };
}

/// Whether the grant `?3` is good for the organization `o`: for any, as `?4` says, or since it is associated.
macro_rules! open_to_grant {
    () => {
        "(?4 or exists (select 1 from organization_client_grants a
           where a.tenant_id = ?1 and a.organization_id = o.id and a.grant_id = ?3))"
    };
}

/// The organization that a machine names, and whether its grant is good there. One row or none.
pub fn organization_of_grant(with: &MachineUse<'_>) -> Query<InTenant> {
    read(concat!("select o.id, o.name, ", open_to_grant!(), " as is_open from ", named_organization!()))
        .bind(with.organization)
        .bind(with.grant)
        .bind(with.any)
}

/// Records that in the log, if the grant is good there.
pub fn record_machine_use(
    with: &MachineUse<'_>,
    id: &LogId,
    ip: &str,
    user_agent: &str,
    now: Timestamp,
) -> Statement<InTenant> {
    write(concat!(
        "insert into logs (tenant_id, id, type, date, client_id, ip, user_agent, description)
         select ?1, ?5, 'seccft', ?9, ?6, ?7, ?8, 'Machine token issued for an organization' from ",
        named_organization!(),
        " and ",
        open_to_grant!()
    ))
    .bind(with.organization)
    .bind(with.grant)
    .bind(with.any)
    .bind(id)
    .bind(with.client)
    .bind(ip)
    .bind(user_agent)
    .bind(now)
}

/// Consumes a code, whoever presents it: one row if nobody had before, none otherwise (RFC 6749 §4.1.2). What may come
/// of the code only once stands before this in the same batch and asks for a code that has not been used.
pub fn consume_code(digest: &Digest, now: Timestamp) -> Statement<InTenant> {
    write(
        "update codes set used_at = ?3 where tenant_id = ?1 and digest = ?2 and used_at is null returning client_id",
    )
    .bind(digest)
    .bind(now)
}

/// A person with what decides whether tokens may be issued to them. `$grant` is the row that speaks for them, `g`.
macro_rules! person {
    ($grant:literal, $organization:literal) => {
        concat!(
            "select u.user_id, u.name, u.given_name, u.family_name, u.nickname, u.picture, u.email, u.email_verified, u.username,
                    u.phone_number, u.phone_verified, u.profile, u.blocked, u.updated_at,
                    s.revoked_at is not null as session_ended, s.amr,
                    ", $organization, " is null or m.user_id is not null as is_member
             from ", $grant, "
             join users u on u.tenant_id = ?1 and u.user_id = g.user_id
             left join sessions s on s.tenant_id = ?1 and s.id = g.session_id
             left join organization_members m on m.tenant_id = ?1 and m.organization_id = ", $organization, "
               and m.user_id = g.user_id
             where g.tenant_id = ?1 and "
        )
    };
}

/// The permissions of the person whom a grant speaks for, by roles and directly, of the API it is about and of the
/// management API (`?3`, which has several names), everywhere and in the organization it is about.
macro_rules! permissions {
    ($grant:literal, $key:literal, $audience:literal, $organization:literal) => {
        concat!(
            "select d.resource_server_identifier, d.permission_name, d.organization_id from ", $grant, "
             join user_permissions d on d.tenant_id = ?1 and d.user_id = g.user_id
               and d.organization_id in ('', ", $organization, ")
               and d.resource_server_identifier in (", $audience, ", ?3)
             where g.tenant_id = ?1 and ", $key, "
             union
             select p.resource_server_identifier, p.permission_name, r.organization_id from ", $grant, "
             join user_roles r on r.tenant_id = ?1 and r.user_id = g.user_id and r.organization_id in ('', ", $organization, ")
             join role_permissions p on p.tenant_id = ?1 and p.role_id = r.role_id
               and p.resource_server_identifier in (", $audience, ", ?3)
             where g.tenant_id = ?1 and ", $key
        )
    };
}

/// The person of a code.
pub fn person_of_code(digest: &Digest) -> Query<InTenant> {
    read(concat!(person!("codes g", "json_extract(g.request, '$.organization.id')"), "g.digest = ?2"))
        .bind(digest)
}

/// Their permissions. `management` is the identifier under which the management API is registered.
pub fn permissions_of_code(digest: &Digest, management: &str) -> Query<InTenant> {
    read(permissions!(
        "codes g",
        "g.digest = ?2",
        "json_extract(g.request, '$.audience')",
        "json_extract(g.request, '$.organization.id')"
    ))
    .bind(digest)
    .bind(management)
}

/// The person of a refresh token.
pub fn person_of_refresh_token(lookup: &str) -> Query<InTenant> {
    read(concat!(person!("refresh_tokens g", "g.organization_id"), "g.lookup = ?2")).bind(lookup)
}

/// The person of an access token.
pub fn person_of_token(
    user: &UserId,
    session: Option<&SessionId>,
    organization: Option<&OrganizationId>,
) -> Query<InTenant> {
    read(concat!(
        person!(
            "(select ?1 as tenant_id, ?2 as user_id, ?3 as session_id, ?4 as organization_id) g",
            "g.organization_id"
        ),
        "true"
    ))
    .bind(user)
    .bind(session)
    .bind(organization)
}

/// Their permissions, of the API `audience` instead of the token's own, if one is given. `management` is the identifier
/// under which the management API is registered.
pub fn permissions_of_refresh_token(
    lookup: &str,
    management: &str,
    audience: Option<&str>,
) -> Query<InTenant> {
    read(permissions!("refresh_tokens g", "g.lookup = ?2", "coalesce(?4, g.audience)", "g.organization_id"))
        .bind(lookup)
        .bind(management)
        .bind(audience)
}

/// The permissions of a person, of the API `audience` and of the management API, everywhere and in the organization.
pub fn permissions_of_person(
    user: &UserId,
    management: &str,
    audience: &str,
    organization: Option<&OrganizationId>,
) -> Query<InTenant> {
    read(permissions!(
        "(select ?1 as tenant_id, ?2 as user_id, ?4 as audience, ?5 as organization_id) g",
        "true",
        "g.audience",
        "g.organization_id"
    ))
    .bind(user)
    .bind(management)
    .bind(audience)
    .bind(organization)
}

/// Reads the rows of permissions: those of the API that is `registered` so.
///
/// # Errors
/// A fault if a row holds what the schema does not allow.
pub fn held(rows: &[Row], registered: &str) -> Result<Held, Fault> {
    let mut everywhere = Vec::new();
    let mut inside = Vec::new();
    for row in rows {
        if row.text("resource_server_identifier")? == registered {
            let list = if row.text("organization_id")?.is_empty() { &mut everywhere } else { &mut inside };
            list.push(row.text("permission_name")?);
        }
    }
    let scopes = |list: &[String]| list.iter().map(String::as_str).collect();
    Ok(Held { everywhere: scopes(&everywhere), inside: scopes(&inside) })
}
