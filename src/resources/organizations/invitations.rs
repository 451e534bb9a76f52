//! The management API of invitations to an organization: those that an import has brought, whose links go on being good
//! until they are taken back. None are made here before mail can be sent.

use super::{ORGANIZATIONS, store};
use crate::{
    access::{
        Management,
        management::{Refusal, scope},
    },
    db::{Page, Row, page::total},
    error::{Error, Fault},
    events::Change,
    http::{Fields, Json, NoContent, Path, Query, route::Routes},
    id::OrganizationId,
    resources::engine::api::inexistent,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The rows of the route table.
pub(super) fn routes(r: &mut Routes) {
    r.get("/api/v2/organizations/{id}/invitations", scope("read:organization_invitations"), list);
    const ONE: &str = "/api/v2/organizations/{id}/invitations/{invitation_id}";
    r.get(ONE, scope("read:organization_invitations"), get);
    r.delete(ONE, scope("delete:organization_invitations"), delete);
}

/// Which invitations are wanted, and what of them.
#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    page: Page,
    #[serde(flatten)]
    fields: Fields,
}

/// What a path names.
#[derive(Deserialize)]
struct Named {
    id: OrganizationId,
    invitation_id: String,
}

async fn list(
    cx: &Management,
    (Path(id), Query(wanted)): (Path<OrganizationId>, Query<Wanted>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = wanted.page.check().map_err(Refusal::invalid_query)?;
    let [organization, rows, count] = cx
        .db()
        .read([store::by_id(&id), store::invitations(&id, window), store::count_invitations(&id)])
        .await?;
    organization.first().ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let shown = |row: &Row| Ok(wanted.fields.of(Value::Object(shown(row)?)));
    let invitations = cx.readable(("organization_invitations", "id"), &rows, shown);
    Ok(Json(window.list("invitations", invitations, total(&count)?)))
}

async fn get(
    cx: &Management,
    (Path(named), Query(fields)): (Path<Named>, Query<Fields>),
) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(store::invitation(&named.id, &named.invitation_id)).await?;
    let row = row.ok_or_else(|| {
        Refusal::not_found("inexistent_invitation", "There is no such invitation to this organization.")
    })?;
    Ok(Json(fields.of(Value::Object(shown(&row)?))))
}

async fn delete(cx: &Management, Path(named): Path<Named>) -> Result<NoContent, Error<Refusal>> {
    cx.db().first(store::by_id(&named.id)).await?.ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    let change = Change::of("Delete an invitation", "organization", &named.id)
        .taken("invitations", &named.invitation_id);
    cx.commit_people(&change, [store::revoke_invitation(&named.id, &named.invitation_id)]).await?;
    Ok(NoContent)
}

/// As Auth0 shows it, but for the link: only its digest is known.
fn shown(row: &Row) -> Result<Map<String, Value>, Fault> {
    let mut members = row.object("document")?;
    for name in ["id", "organization_id", "client_id"] {
        members.insert(name.to_owned(), Value::from(row.text(name)?));
    }
    members.insert("created_at".to_owned(), json!(row.time("created_at")?));
    members.insert("expires_at".to_owned(), json!(row.time("expires_at")?));
    Ok(members)
}
