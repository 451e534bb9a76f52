//! Where somebody shows the pass that they were sent, and can sign in from then on although the tenant is not open yet.

use crate::{
    access::{
        Area, Login,
        login::{Need, Refusal},
        preview::{COOKIE, PATH, good_until},
    },
    error::Error,
    http::{Query, Response, StatusCode, page::page, route::Routes},
};
use serde::Deserialize;

/// The one page.
pub fn routes(r: &mut Routes) {
    r.get(PATH, Need::Always, show);
}

/// What the link carries.
#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    pass: String,
}

async fn show(cx: &Login, Query(link): Query<Link>) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let snapshot = call.snapshot().await?;
    let expires_at = good_until(call, &snapshot, &link.pass).ok_or_else(|| {
        Refusal::bad_request(
            "This preview link has expired or belongs to another tenant. Please ask for a new one.",
        )
    })?;
    let words =
        "<p class=\"text\">You can try this before it opens: go to the application and sign in there.</p>";
    let cookie = COOKIE.set(&call.request, &link.pass, Some(expires_at.since(call.now)));
    Ok(page(StatusCode::OK, snapshot.brand(call.tenant.id()), "Welcome", words).with("set-cookie", cookie))
}
