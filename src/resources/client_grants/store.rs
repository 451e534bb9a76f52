//! SQL for client grants.

use crate::{
    db::{Query, Row, Statement, list, page::Part, read, write},
    error::Fault,
    id::{ClientGrantId, ClientId, OrganizationId},
    resources::clients::model::OrganizationUsage,
    tenant::InTenant,
    time::Timestamp,
};

/// Which grants are wanted: what is absent does not matter.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// To this client.
    pub client: Option<&'a ClientId>,
    /// For this audience.
    pub audience: Option<&'a str>,
}

/// Lets the client of a grant act in an organization. Changes nothing if it may already, or if either is not there.
pub fn associate(
    organization: &OrganizationId,
    grant: &ClientGrantId,
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "insert into organization_client_grants (tenant_id, organization_id, grant_id, created_at)
         select ?1, o.id, g.id, ?4 from organizations o join client_grants g on g.tenant_id = ?1 and g.id = ?3
         where o.tenant_id = ?1 and o.id = ?2 on conflict do nothing",
    )
    .counted_in([list([organization.as_str()])])
    .bind(organization)
    .bind(grant)
    .bind(now)
}

/// Takes that back.
pub fn dissociate(organization: &OrganizationId, grant: &ClientGrantId) -> Statement<InTenant> {
    write("delete from organization_client_grants where tenant_id = ?1 and organization_id = ?2 and grant_id = ?3")
        .bind(organization)
        .bind(grant)
}

/// A page of the grants that are associated with an organization, by id: all, to a client, for an audience, or both.
pub fn of_organization(organization: &OrganizationId, wanted: Wanted<'_>, part: &Part) -> Query<InTenant> {
    part.bind(
        read(
            "select g.id, g.client_id, g.audience, g.scope, g.organization_usage, g.allow_any_organization
         from organization_client_grants a join client_grants g on g.tenant_id = ?1 and g.id = a.grant_id
         where a.tenant_id = ?1 and a.organization_id = ?2
         and (?3 is null or g.client_id = ?3) and (?4 is null or g.audience = ?4) and a.grant_id > ?5
         order by a.grant_id limit ?6 offset ?7",
        )
        .bind(organization)
        .bind(wanted.client)
        .bind(wanted.audience),
    )
}

/// How many there are, as `total`.
pub fn count_of_organization(organization: &OrganizationId, wanted: Wanted<'_>) -> Query<InTenant> {
    read(
        "select count(*) as total from organization_client_grants a
         join client_grants g on g.tenant_id = ?1 and g.id = a.grant_id
         where a.tenant_id = ?1 and a.organization_id = ?2
         and (?3 is null or g.client_id = ?3) and (?4 is null or g.audience = ?4)",
    )
    .bind(organization)
    .bind(wanted.client)
    .bind(wanted.audience)
}

/// A page of the organizations that a grant is associated with, by id.
pub fn organizations(grant: &ClientGrantId, part: &Part) -> Query<InTenant> {
    part.bind(
        read(
            "select o.id, o.name, o.display_name, o.document
         from organization_client_grants a indexed by organization_client_grants_by_grant
         join organizations o on o.tenant_id = ?1 and o.id = a.organization_id
         where a.tenant_id = ?1 and a.grant_id = ?2 and a.organization_id > ?3
         order by a.organization_id limit ?4 offset ?5",
        )
        .bind(grant),
    )
}

/// How many there are, as `total`.
pub fn count_organizations(grant: &ClientGrantId) -> Query<InTenant> {
    read(
        "select count(*) as total from organization_client_grants indexed by organization_client_grants_by_grant
         where tenant_id = ?1 and grant_id = ?2",
    )
    .bind(grant)
}

/// The column `organization_usage`; of what is no usage the strictest that says no.
///
/// # Errors
/// A fault if the row has no such column.
pub fn usage(row: &Row) -> Result<Option<OrganizationUsage>, Fault> {
    Ok(row
        .optional_text("organization_usage")?
        .map(|text| OrganizationUsage::parse(&text).unwrap_or_default()))
}

/// Grants scopes of an audience to a client at seeding; its id is a function of the client, so it cannot double.
pub fn insert_seeded(
    client: &ClientId,
    audience: &str,
    scope: &serde_json::Value,
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "insert into client_grants (tenant_id, id, client_id, audience, scope, created_at, updated_at)
         values (?1, 'cgr_' || ?2, ?2, ?3, ?4, ?5, ?5)",
    )
    .bind(client)
    .bind(audience)
    .bind(scope)
    .bind(now)
}

/// Grants the seeded client what a newer release defines, if its grant is as it was seeded: with the scope `all`, and never
/// changed by anybody.
pub fn widen_seeded(
    client: &ClientId,
    audience: &str,
    all: &str,
    scope: &serde_json::Value,
) -> Statement<InTenant> {
    write(
        "update client_grants set scope = ?5
         where tenant_id = ?1 and client_id = ?2 and audience = ?3 and id = 'cgr_' || ?2 and updated_at = created_at
         and exists (select 1 from json_each(client_grants.scope) where value = ?4)",
    )
    .bind(client)
    .bind(audience)
    .bind(all)
    .bind(scope)
}
