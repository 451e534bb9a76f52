//! What is checked when a machine is given scopes of an API, or they are taken from it.

use super::model::check_scopes;
use crate::{
    access::{Management, management::Refusal},
    error::Error,
    id::ClientId,
    platform::LocalBox,
    resources::{
        clients::{self, model::OrganizationUsage},
        engine::{Act, Write},
        resource_servers,
    },
};
use serde_json::Value as Json;

pub(super) fn before<'a>(
    cx: &'a Management,
    write: &'a mut Write,
) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        let held = scopes(write.stored.get("scope"));
        match write.act {
            Act::Create => {
                let audience = cx.registered(write.text("audience")).await?;
                write.set.insert("audience".to_owned(), Json::from(audience));
                check_given(cx, write, &held).await
            }
            Act::Patch => {
                // What may be taken and given is about what is there.
                write.depends = true;
                check_may_take(cx, write, &held, &scopes(write.after("scope")))?;
                check_given(cx, write, &held).await
            }
            Act::Delete => Ok(check_may_take(cx, write, &held, &[])?),
        }
    })
}

fn scopes(list: Option<&Json>) -> Vec<String> {
    let items = list.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// What is not left to a machine of what it held must be the caller's to take.
fn check_may_take(cx: &Management, write: &Write, held: &[String], left: &[String]) -> Result<(), Refusal> {
    let ours = write.text("audience") == cx.audience();
    let taken = held.iter().filter(|scope| ours && !left.contains(scope));
    cx.check_may_stand_over(taken.map(String::as_str))
}

/// The client and the API must be there, the API must define the scopes, and those that the client does not hold yet must
/// be the caller's to give.
async fn check_given(cx: &Management, write: &Write, held: &[String]) -> Result<(), Error<Refusal>> {
    let (audience, given) = (write.text("audience"), scopes(write.after("scope")));
    let [client, server] = cx
        .db()
        .read([
            clients::store::exists(&ClientId::new(write.text("client_id"))),
            resource_servers::store::by_identifier(audience),
        ])
        .await?;
    if client.is_empty() {
        return Err(Refusal::bad_request("inexistent_client", "client_id: the client does not exist").into());
    }
    let server = server.first().ok_or_else(|| {
        Refusal::bad_request("inexistent_resource_server", "audience: there is no such resource server")
    })?;
    let server = resource_servers::store::resource_server(server)?;
    let ours = audience == cx.audience();
    let permissions = if ours { cx.permissions() } else { Vec::new() };
    check_scopes(audience, &given, |scope| permissions.contains(&scope) || server.defines(scope))
        .map_err(Refusal::invalid_body)?;
    if ours {
        let usage = OrganizationUsage::parse(write.text("organization_usage")).unwrap_or_default();
        if usage != OrganizationUsage::Deny {
            let why = "organization_usage: the management API knows no organizations inside the tenant";
            return Err(Refusal::invalid_body(why).into());
        }
        cx.check_may_give(given.iter().filter(|scope| !held.contains(scope)).map(String::as_str))?;
    }
    Ok(())
}
