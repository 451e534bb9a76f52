//! The management API of what machines may do inside organizations: which client grants are associated with which.

use super::{api::find, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{Page, Row, page::total},
    error::Error,
    events::Change,
    http::{Created, Json, Members, NoContent, Path, Query, route::Routes},
    id::{ClientGrantId, ClientId, OrganizationId},
    resources::{
        client_grants::model::ClientGrant,
        clients::model::OrganizationUsage,
        organizations::{self, api::inexistent},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The rows of the route table.
pub(super) fn routes(r: &mut Routes) {
    const OF_ORGANIZATION: &str = "/api/v2/organizations/{id}/client-grants";
    r.get(OF_ORGANIZATION, scope("read:organization_client_grants"), list);
    r.post(OF_ORGANIZATION, scope("create:organization_client_grants"), associate);
    const ONE: &str = "/api/v2/organizations/{id}/client-grants/{grant_id}";
    r.delete(ONE, scope("delete:organization_client_grants"), dissociate);
    const OF_GRANT: &str = "/api/v2/client-grants/{id}/organizations";
    r.get(OF_GRANT, scope("read:organization_client_grants"), list_organizations);
}

/// Which grants are wanted.
#[derive(Deserialize)]
struct Wanted {
    client_id: Option<ClientId>,
    audience: Option<String>,
    #[serde(flatten)]
    page: Page,
}

async fn list(
    cx: &Management,
    (Path(id), Query(wanted)): (Path<OrganizationId>, Query<Wanted>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = wanted.page.check().map_err(Refusal::invalid_query)?;
    let of = store::Wanted {
        client: wanted.client_id.as_ref(),
        audience: wanted.audience.as_deref(),
        any_organization: None,
    };
    let [organization, rows, count] = cx
        .db()
        .read([
            organizations::store::by_id(&id),
            store::of_organization(&id, of, window),
            store::count_of_organization(&id, of),
        ])
        .await?;
    organization.first().ok_or_else(inexistent)?;
    let shown = |row: &Row| Ok(json!(store::client_grant(row)?));
    let grants = cx.readable(("client_grants", "id"), &rows, shown);
    Ok(Json(window.list("client_grants", grants, total(&count)?)))
}

/// The grant to associate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    grant_id: ClientGrantId,
}

async fn associate(
    cx: &Management,
    (Path(id), body): (Path<OrganizationId>, Members),
) -> Result<Created<ClientGrant>, Error<Refusal>> {
    let Named { grant_id } = body.make(&[], &[]).map_err(Refusal::invalid_body)?;
    let [organization, grants] =
        cx.db().read([organizations::store::by_id(&id), store::by_id(&grant_id)]).await?;
    organization.first().ok_or_else(inexistent)?;
    let grant = grants.first().map(store::client_grant).transpose()?;
    let grant = grant.ok_or_else(|| Refusal::invalid_body("grant_id: there is no such client grant"))?;
    if grant.organization_usage.unwrap_or_default() == OrganizationUsage::Deny {
        let why = "grant_id: the grant is not for organizations; set its organization_usage first";
        return Err(Refusal::invalid_body(why).into());
    }
    let associate = store::associate(&id, &grant_id, cx.call().now);
    let change = Change::of("Associate a client grant with an organization", "organization", &id)
        .added("client_grants", &grant_id);
    cx.commit(&change, [associate]).await?;
    Ok(Created(grant))
}

/// What a path names.
#[derive(Deserialize)]
struct Association {
    id: OrganizationId,
    grant_id: ClientGrantId,
}

async fn dissociate(
    cx: &Management,
    Path(Association { id, grant_id }): Path<Association>,
) -> Result<NoContent, Error<Refusal>> {
    cx.db().first(organizations::store::by_id(&id)).await?.ok_or_else(inexistent)?;
    let change = Change::of("Remove a client grant from an organization", "organization", &id)
        .taken("client_grants", &grant_id);
    cx.commit(&change, [store::dissociate(&id, &grant_id)]).await?;
    Ok(NoContent)
}

async fn list_organizations(
    cx: &Management,
    (Path(id), Query(page)): (Path<ClientGrantId>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    find(cx, &id).await?;
    let (rows, total) =
        window.read(cx.db(), store::organizations(&id, window), store::count_organizations(&id)).await?;
    let shown = |row: &Row| Ok(json!(organizations::store::organization(row)?));
    Ok(Json(window.list("organizations", cx.readable(("organizations", "id"), &rows, shown), total)))
}
