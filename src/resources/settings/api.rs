//! The management API of the tenant's settings.

use super::{model::Settings, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    error::{Error, Fault},
    events::Change,
    http::{Fields, Json, Members, Query, route::Routes},
    id::{ClientId, OrganizationId},
    resources::{
        clients::{self, model::AppType},
        connections, organizations, resource_servers,
    },
};
use serde_json::{Map, Value, json};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/tenants/settings", scope("read:tenant_settings"), get);
    r.patch("/api/v2/tenants/settings", scope("update:tenant_settings"), update);
}

/// The settings that decide what people must prove.
const SIGN_IN: [&str; 1] = ["mfa"];

async fn get(cx: &Management, Query(fields): Query<Fields>) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(store::read_all()).await?;
    Ok(Json(fields.of(json!(store::settings(row.as_ref())?.shown()))))
}

/// Checks that what the settings name is there: a default that is not would refuse every sign-in that relies on it.
async fn check_named(cx: &Management, patch: &Map<String, Value>) -> Result<(), Error<Refusal>> {
    let named = |name: &str| patch.get(name).and_then(Value::as_str);
    let (audience, client) = (named("default_audience"), named("default_client_id"));
    let (connection, organization) = (named("default_directory"), named("default_organization"));
    if [audience, client, connection, organization].iter().all(Option::is_none) {
        return Ok(());
    }
    let [servers, clients, connections, organizations] = cx
        .db()
        .read([
            resource_servers::store::by_identifier(audience.unwrap_or_default()),
            clients::store::by_id(&ClientId::new(client.unwrap_or_default()), &cx.audience()),
            connections::store::by_name(connection.unwrap_or_default()),
            organizations::store::by_id(&OrganizationId::new(organization.unwrap_or_default())),
        ])
        .await?;
    let (directory, main) = (&cx.call().shared.directory, &cx.call().shared.config.main_tenant);
    let ours = [cx.audience(), directory.issuer(main).management_audience()];
    let client_row = clients.first().map(clients::store::client).transpose()?;
    let missing = [
        (
            "default_audience",
            audience,
            !servers.is_empty() || ours.iter().any(|own| Some(&**own) == audience),
        ),
        ("default_client_id", client, client_row.is_some()),
        ("default_directory", connection, !connections.is_empty()),
        ("default_organization", organization, !organizations.is_empty()),
    ];
    for (name, value, is_there) in missing {
        if let (Some(value), false) = (value, is_there) {
            return Err(Refusal::invalid_body(format!("{name}: there is no {value}")).into());
        }
    }
    if client_row.is_some_and(|client| client.app_type == AppType::NonInteractive) {
        return Err(
            Refusal::invalid_body("default_client_id: a machine has no pages to send people to").into()
        );
    }
    Ok(())
}

async fn update(cx: &Management, Members(patch): Members) -> Result<Json<Settings>, Error<Refusal>> {
    Settings::check(&patch).map_err(Refusal::invalid_body)?;
    if SIGN_IN.iter().any(|name| patch.contains_key(*name)) {
        cx.check_may_stand_over_everybody().await?;
    }
    check_named(cx, &patch).await?;
    // Settings that cannot be read can be overwritten all the same.
    let before = cx.snapshot().await.map(|snapshot| snapshot.settings.clone()).unwrap_or_default();
    let change = Change::of("Update tenant settings", "tenant", cx.tenant().id()).patched(&before, &patch);
    let merge = store::merge(&Value::Object(patch), cx.call().now);
    let outcomes = cx.commit(&change, [merge, store::read_all().into()]).await?;
    let row = outcomes.iter().flat_map(|outcome| &outcome.rows).next();
    let row = row.ok_or_else(|| Fault::internal("the settings were not read back"))?;
    Ok(Json(store::settings(Some(row))?.shown()))
}
