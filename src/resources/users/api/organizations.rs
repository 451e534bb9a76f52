//! The organizations that a user is a member of.

use super::{super::store, inexistent};
use crate::{
    access::{
        Management,
        management::{Refusal, scope},
    },
    db::{
        Row,
        page::{Paging, total},
    },
    error::Error,
    http::{Json, Path, Query, route::Routes},
    id::UserId,
    resources::{
        engine::model::stored,
        organizations::{self, ORGANIZATIONS},
    },
};
use serde_json::Value;

pub(super) fn routes(r: &mut Routes) {
    r.get("/api/v2/users/{id}/organizations", scope("read:users"), list);
}

async fn list(
    cx: &Management,
    (Path(id), Query(paging)): (Path<UserId>, Query<Paging>),
) -> Result<Json<Value>, Error<Refusal>> {
    let part = paging.check().map_err(Refusal::invalid_query)?;
    let [user, mut rows, count] = cx
        .db()
        .read([
            store::exists(&id),
            organizations::store::of_user(&id, &part),
            organizations::store::count_of_user(&id),
        ])
        .await?;
    user.first().ok_or_else(inexistent)?;
    let next = part.cut(&mut rows, "id")?;
    let shown = |row: &Row| Ok(Value::Object(stored(&ORGANIZATIONS, row)?));
    let organizations = cx.readable(("organizations", "id"), &rows, shown);
    Ok(Json(part.list("organizations", organizations, total(&count)?, next)))
}
