//! What is checked when the settings of a tenant are changed.

use super::model::Settings;
use crate::{
    access::{Area, Management, management::Refusal},
    error::Error,
    id::{ClientId, OrganizationId},
    platform::LocalBox,
    resources::{
        clients::{self, model::AppType},
        connections,
        engine::Write,
        organizations, resource_servers,
    },
};
use serde_json::{Map, Value};

/// The settings that decide what people must prove.
const SIGN_IN: [&str; 1] = ["mfa"];

pub(super) fn before<'a>(
    cx: &'a Management,
    write: &'a mut Write,
) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        Settings::check(&write.set).map_err(Refusal::invalid_body)?;
        if SIGN_IN.iter().any(|name| write.set.contains_key(*name)) {
            cx.check_may_stand_over_everybody().await?;
        }
        // What was said last counts, in hours or in minutes.
        for name in LIFETIMES {
            let minutes = format!("{name}_in_minutes");
            if write.set.contains_key(name) {
                write.set.entry(minutes).or_insert(Value::Null);
            }
        }
        check_named(cx, &write.set).await
    })
}

/// What can be said in hours and in minutes.
const LIFETIMES: [&str; 4] = [
    "session_lifetime",
    "idle_session_lifetime",
    "ephemeral_session_lifetime",
    "idle_ephemeral_session_lifetime",
];

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
