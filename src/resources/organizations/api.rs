//! The management API of organizations beyond what their declaration says: by name, and their members.

use super::{ORGANIZATIONS, connections, invitations, members, store};
use crate::{
    access::{
        Management,
        management::{Refusal, scope},
    },
    error::Error,
    http::{Fields, Json, Path, Query, route::Routes},
    resources::engine::{
        api::{inexistent, view},
        model::stored,
    },
};
use serde_json::Value;

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/organizations/name/{name}", scope("read:organizations"), get_by_name);
    connections::routes(r);
    invitations::routes(r);
    members::routes(r);
}

async fn get_by_name(
    cx: &Management,
    (Path(name), Query(fields)): (Path<String>, Query<Fields>),
) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(store::by_name(&name)).await?.ok_or_else(|| inexistent(&ORGANIZATIONS))?;
    Ok(Json(fields.of(Value::Object(view(cx, &ORGANIZATIONS, stored(&ORGANIZATIONS, &row)?)))))
}
