//! The management API of what machines may do inside organizations: which client grants are associated with which.

use super::{CLIENT_GRANTS, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{
        Row,
        page::{Paging, total},
    },
    error::Error,
    events::Change,
    http::{Created, Json, Members, NoContent, Path, Query, route::Routes},
    id::{ClientGrantId, ClientId, OrganizationId},
    resources::{
        clients::model::OrganizationUsage,
        engine::{
            self,
            api::{find, inexistent, view},
            model::stored,
        },
        organizations::{self, ORGANIZATIONS},
    },
};
use serde::Deserialize;
use serde_json::Value;

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
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
    paging: Paging,
}

async fn list(
    cx: &Management,
    (Path(id), Query(wanted)): (Path<OrganizationId>, Query<Wanted>),
) -> Result<Json<Value>, Error<Refusal>> {
    let part = wanted.paging.check().map_err(Refusal::invalid_query)?;
    let of = store::Wanted { client: wanted.client_id.as_ref(), audience: wanted.audience.as_deref() };
    let [organization, mut rows, count] = cx
        .db()
        .read([
            organizations::store::by_id(&id),
            store::of_organization(&id, of, &part),
            store::count_of_organization(&id, of),
        ])
        .await?;
    organization.first().ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let shown = |row: &Row| Ok(Value::Object(view(cx, &CLIENT_GRANTS, stored(&CLIENT_GRANTS, row)?)));
    let next = part.cut(&mut rows, "id")?;
    let grants = cx.readable(("client_grants", "id"), &rows, shown);
    Ok(Json(part.list("client_grants", grants, total(&count)?, next)))
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
) -> Result<Created<Value>, Error<Refusal>> {
    let Named { grant_id } = body.make(&[], &[]).map_err(Refusal::invalid_body)?;
    let [organization, grants] = cx
        .db()
        .read([organizations::store::by_id(&id), engine::store::find(&CLIENT_GRANTS, grant_id.as_str())])
        .await?;
    organization.first().ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let grant =
        grants.first().ok_or_else(|| Refusal::invalid_body("grant_id: there is no such client grant"))?;
    if store::usage(grant)?.unwrap_or_default() == OrganizationUsage::Deny {
        let why = "grant_id: the grant is not for organizations; set its organization_usage first";
        return Err(Refusal::invalid_body(why).into());
    }
    let associate = store::associate(&id, &grant_id, cx.call().now);
    let change = Change::of("Associate a client grant with an organization", "organization", &id)
        .added("client_grants", &grant_id);
    cx.commit(&change, [associate]).await?;
    Ok(Created(Value::Object(view(cx, &CLIENT_GRANTS, stored(&CLIENT_GRANTS, grant)?))))
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
    cx.db().first(organizations::store::by_id(&id)).await?.ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let change = Change::of("Remove a client grant from an organization", "organization", &id)
        .taken("client_grants", &grant_id);
    cx.commit(&change, [store::dissociate(&id, &grant_id)]).await?;
    Ok(NoContent)
}

async fn list_organizations(
    cx: &Management,
    (Path(id), Query(paging)): (Path<ClientGrantId>, Query<Paging>),
) -> Result<Json<Value>, Error<Refusal>> {
    let part = paging.check().map_err(Refusal::invalid_query)?;
    find(cx, &CLIENT_GRANTS, id.as_str()).await?;
    let [mut rows, count] =
        cx.db().read([store::organizations(&id, &part), store::count_organizations(&id)]).await?;
    let next = part.cut(&mut rows, "id")?;
    let shown = |row: &Row| Ok(Value::Object(stored(&ORGANIZATIONS, row)?));
    let organizations = cx.readable(("organizations", "id"), &rows, shown);
    Ok(Json(part.list("organizations", organizations, total(&count)?, next)))
}
