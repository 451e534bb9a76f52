//! The management API of themes beyond what their declaration says: the one that counts.

use super::THEMES;
use crate::{
    access::{
        Management,
        management::{Refusal, scope},
    },
    error::Error,
    http::{Json, route::Routes},
    resources::engine::{
        self,
        api::{inexistent, view},
        model::stored,
    },
};
use serde_json::Value;

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/branding/themes/default", scope("read:branding"), get_default);
}

/// The theme that was made last (Auth0).
async fn get_default(cx: &Management, (): ()) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(engine::store::newest(&THEMES)).await?.ok_or_else(|| inexistent(&THEMES))?;
    Ok(Json(Value::Object(view(cx, &THEMES, stored(&THEMES, &row)?))))
}
