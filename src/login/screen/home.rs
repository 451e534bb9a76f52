//! The root of a host: whose it is, and where to go on from here.

use crate::{
    access::{
        Area, Login,
        login::{Need, Refusal},
    },
    error::Error,
    http::{Response, StatusCode, html::escape, page::page, route::Routes},
};

/// The row of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/", Need::Open, home);
}

/// A page for whoever opens the host itself rather than an application: people are told where signing in begins, developers
/// what their application needs. On the machine of a developer (plain http, which is for localhost alone) it goes on with the
/// first steps.
async fn home(cx: &Login, (): ()) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let snapshot = call.snapshot().await?;
    let (tenant, issuer) = (&call.tenant, call.tenant.issuer().as_str());
    let link = |path: &str, words: &str| format!("<li><a href=\"/{path}\">{words}</a></li>");
    let mut main = format!(
        "<p class=\"text\">Sign-in starts in your application, which sends you here and takes you back.</p>\
         <p class=\"text\">For developers: the issuer is <code>{}</code></p><ul>{}{}{}</ul>",
        escape(issuer),
        link(".well-known/openid-configuration", "OpenID Connect discovery"),
        link(".well-known/jwks.json", "Signing keys"),
        link("api/v2/spec", "Management API (OpenAPI)"),
    );
    if call.shared.config.transport.scheme() == "http" {
        main += &next_steps(tenant.is_main(), &escape(&format!("acme.{}", call.shared.config.base_domain)));
    }
    let title = if tenant.is_main() {
        "The identity server is running"
    } else {
        "You have found the sign-in service"
    };
    Ok(page(StatusCode::OK, snapshot.brand(tenant.id()), title, &main))
}

fn next_steps(is_main: bool, example: &str) -> String {
    let steps = if is_main {
        format!(
            "<li>Make a tenant: <code>npm run gatehouse -- tenants create acme</code></li>\
             <li>Open it: <a href=\"http://{example}/\">{example}</a></li>\
             <li>Your administrator and your machine client are in <code>.dev.vars</code></li>"
        )
    } else {
        "<li>Make an application and a person: the first tour of the README does both</li>\
         <li>Point any OpenID Connect client at the issuer above</li>"
            .to_owned()
    };
    format!("<p class=\"text\">Next steps, on this machine:</p><ol>{steps}</ol>")
}
