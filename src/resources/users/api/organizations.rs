//! The organizations that a user is a member of.

use super::{super::store, inexistent};
use crate::{
    access::{
        Management,
        management::{Refusal, scope},
    },
    db::{Page, Row, page::total},
    error::Error,
    http::{Json, Path, Query, route::Routes},
    id::UserId,
    resources::organizations,
};
use serde_json::{Value, json};

pub(super) fn routes(r: &mut Routes) {
    r.get("/api/v2/users/{id}/organizations", scope("read:users"), list);
}

async fn list(
    cx: &Management,
    (Path(id), Query(page)): (Path<UserId>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [user, rows, count] = cx
        .db()
        .read([
            store::exists(&id),
            organizations::store::of_user(&id, window),
            organizations::store::count_of_user(&id),
        ])
        .await?;
    user.first().ok_or_else(inexistent)?;
    let shown = |row: &Row| Ok(json!(organizations::store::organization(row)?));
    let organizations = cx.readable(("organizations", "id"), &rows, shown);
    Ok(Json(window.list("organizations", organizations, total(&count)?)))
}
