//! What is checked, and done beside it, when an organization is made, changed or removed.

use super::{
    model::{belongs_to_a_tenant, named_connections},
    store,
};
use crate::{
    access::{Area, Management, management::Refusal},
    error::Error,
    id::OrganizationId,
    platform::LocalBox,
    resources::{
        connections::CONNECTIONS,
        engine::{self, Act, Write},
        named::{check_known, texts},
    },
};
use serde_json::{Value as Json, json};

pub(super) fn before<'a>(
    cx: &'a Management,
    write: &'a mut Write,
) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        check_named(cx, write).await?;
        enable(cx, write);
        let old = write.stored.get("name").and_then(Json::as_str).unwrap_or_default();
        match write.act {
            Act::Create => check_is_free(cx, write.text("name"))?,
            Act::Patch if write.changes("name") => {
                check_is_free(cx, old)?;
                check_is_free(cx, write.text("name"))?;
                write.depends = true;
            }
            Act::Patch => {}
            Act::Delete => {
                check_is_free(cx, old)?;
                write.beside.push(store::take_permissions(&OrganizationId::new(write.id.as_str())));
            }
        }
        Ok(())
    })
}

/// The connections that a body names are those that are enabled, in place of any others.
fn enable(cx: &Management, write: &mut Write) {
    let Some(list) = write.set.get("enabled_connections") else { return };
    let (id, now) = (OrganizationId::new(write.id.as_str()), cx.call().now);
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let enabled = items.iter().filter_map(Json::as_object);
    // AuthHero: one that is there and not enabled.
    let enabled = enabled.filter(|item| item.get("is_enabled") != Some(&Json::Bool(false)));
    write.beside.push(store::disable_all(&id));
    write.beside.extend(enabled.map(|item| store::enable(&id, &store::Enabled::of(item), now)));
}

/// The connections that a body names are there, and each once.
async fn check_named(cx: &Management, write: &Write) -> Result<(), Error<Refusal>> {
    let named = named_connections(&write.set);
    if !named.is_empty() {
        let rows = cx.db().all(engine::store::existing(&CONNECTIONS, &json!(named))).await?;
        let known = texts(&rows, "id")?;
        check_known("connection", named.iter().map(String::as_str), &known)
            .map_err(|why| Refusal::invalid_body(format!("enabled_connections: {}", why.message())))?;
        let once: std::collections::BTreeSet<_> = named.iter().collect();
        if once.len() != named.len() {
            return Err(Refusal::invalid_body("enabled_connections: a connection is there twice").into());
        }
    }
    Ok(())
}

/// On the main tenant, an organization that is a tenant's comes and goes with it: see [`belongs_to_a_tenant`].
fn check_is_free(cx: &Management, name: &str) -> Result<(), Refusal> {
    if cx.tenant().is_main() && belongs_to_a_tenant(name) {
        let why = format!(
            "The organization {name} is made, named and removed together with the tenant of that name"
        );
        return Err(Refusal::forbidden("organization_of_a_tenant", why));
    }
    Ok(())
}
