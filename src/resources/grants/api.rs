//! The management API of consents: who has agreed to what, and taking it back. They are given on a page, never here.

use super::{model::Grant, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::Page,
    error::Error,
    events::Change,
    http::{Json, NoContent, Path, Query, route::Routes},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/grants", scope("read:grants"), list);
    r.get("/api/v2/grants/{id}", scope("read:grants"), get);
    r.delete("/api/v2/grants/{id}", scope("delete:grants"), delete);
}

/// Which consents are wanted.
#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    page: Page,
    user_id: Option<String>,
    client_id: Option<String>,
    audience: Option<String>,
}

async fn list(cx: &Management, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Error<Refusal>> {
    let window = wanted.page.check().map_err(Refusal::invalid_query)?;
    let of = [wanted.user_id.as_deref(), wanted.client_id.as_deref(), wanted.audience.as_deref()];
    let (rows, total) = window.read(cx.db(), store::page(of, window), store::count(of)).await?;
    let grants = cx.readable(("grants", "id"), &rows, |row| Ok(json!(store::grant(row)?)));
    Ok(Json(window.list("grants", grants, total)))
}

async fn get(cx: &Management, Path(id): Path<String>) -> Result<Json<Grant>, Error<Refusal>> {
    let row = cx.db().first(store::by_id(&id)).await?;
    let row = row.ok_or_else(|| Refusal::not_found("inexistent_grant", "The grant does not exist"))?;
    Ok(Json(store::grant(&row)?))
}

/// Takes a consent back: the person is asked again, and the client's refresh tokens of theirs are worth nothing.
async fn delete(cx: &Management, Path(id): Path<String>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::by_id(&id)).await? else { return Ok(NoContent) };
    let grant = row.mended(&[("scope", "[]")], store::grant)?;
    cx.check_may_stand_over_person(&grant.user_id).await?;
    let change = Change::of("Delete a Grant", "grant", &id).removed(&grant);
    cx.commit_people(&change, store::take_back(&id, cx.call().now)).await?;
    Ok(NoContent)
}
