//! The one list of everything that can be asked for.

use crate::{
    access::{
        Area, OAuth,
        oauth::{Need, Refusal},
    },
    error::Error,
    http::{Json, openapi, route::Routes},
    importing, login, oauth, operations, resources,
};
use std::sync::LazyLock;

/// Every route, in the order in which a client meets them.
pub static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    let mut routes = Routes::default();
    oauth::routes(&mut routes);
    login::routes(&mut routes);
    operations::routes(&mut routes);
    importing::api::routes(&mut routes);
    resources::routes(&mut routes);
    routes.get("/api/v2/spec", Need::Open, spec);
    routes.finish()
});

/// What can be asked for is no secret: the table is the same for everybody.
async fn spec(cx: &OAuth, (): ()) -> Result<Json<serde_json::Value>, Error<Refusal>> {
    Ok(Json(openapi::document(&ROUTES, cx.call().tenant.issuer().as_str(), resources::about)))
}
