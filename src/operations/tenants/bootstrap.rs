//! The first start, and the first request after an upgrade: migrates the directory and seeds the main tenant.

use super::{databases::pool::register_declared, seed, store};
use crate::{
    access::{
        Shared,
        management::{ALL_TENANTS, TENANT_ADMIN},
    },
    config::Config,
    db::{Meter, schema},
    error::{Fault, FaultKind},
    id::{ClientId, ConnectionId, RoleId, UserId, random_text},
    platform::Platform,
    resources::{
        client_grants,
        clients::{
            self,
            model::{AppType, AuthMethod, Client},
        },
        connections, keys, permissions, roles,
        users::{self, policy::Policy},
    },
    secret::Secret,
    tenant::{InTenant, Issuer, TenantDb, store::set_schema_version},
    time::Timestamp,
};
use serde_json::json;

/// Brings the installation to where a request can be served. Idempotent: several instances may do it at once.
///
/// # Errors
/// A fault of a database, or of the configuration.
pub async fn run(shared: &Shared, now: Timestamp) -> Result<(), Fault> {
    let meter = Meter::default();
    let (platform, main) = (shared.platform.as_ref(), &shared.config.main_tenant);
    let directory = shared.directory.db(&meter)?;
    schema::migrate(directory.driver().as_ref(), schema::DIRECTORY).await?;
    register_declared(platform, &directory, now).await?;
    directory.commit([store::enter_main(main, now)]).await?;

    let db = shared.directory.open_for_lifecycle(main, &meter).await?;
    let db = db.ok_or_else(|| Fault::internal("the D1 binding SHARED is missing"))?;
    shared.config.schema.migrate(db.driver().as_ref()).await?;
    directory.commit([set_schema_version("SHARED", shared.config.schema.version())]).await?;
    let issuer = shared.directory.issuer(main);
    seed::tenant(shared, main, &issuer, "Gatehouse", &db, &meter, now).await?;
    administration(shared, &issuer, &db, now).await?;
    directory.commit([store::open_main(main, now)]).await?;
    shared.directory.forget(main);
    Ok(())
}

/// The role of tenant administrators, the first administrator, and the machine client that manages every tenant.
async fn administration(
    shared: &Shared,
    issuer: &Issuer,
    db: &TenantDb,
    now: Timestamp,
) -> Result<(), Fault> {
    let (platform, config) = (shared.platform.as_ref(), &shared.config);
    let role = RoleId::new(roles::store::TENANT_ADMIN_ROLE);
    let audience = issuer.management_audience();
    check_admin_password(config, db, &role).await?;
    let permission = json!([{ "resource_server_identifier": audience, "permission_name": TENANT_ADMIN }]);
    let mut batch = vec![
        roles::store::insert_seeded(&role, "Tenant Admin", now),
        permissions::store::give_role(&role, &permission, now),
    ];
    let mut widen = None;
    if let Some((email, password)) = &config.admin {
        batch.extend(administrator(platform, email, password, &role, now)?);
    }
    if let Some((id, secret)) = &config.management_client {
        let rows = db.all(keys::store::data_keys()).await?;
        let seal = keys::store::unwrap(&config.main_tenant, &rows, &config.encryption_keys)?;
        let id = ClientId::new(id.as_str());
        let sealed = seal.seal(platform, &clients::store::purpose(&id), secret)?;
        batch.push(clients::store::insert(&machine(&id)?, Some((&secret.digest(), &sealed)), false, now)?);
        let scopes = shared.scopes.iter().copied().chain([ALL_TENANTS, TENANT_ADMIN]);
        let scopes = json!(scopes.collect::<Vec<_>>());
        batch.push(client_grants::store::insert_seeded(&id, &audience, &scopes, now));
        widen = Some(client_grants::store::widen_seeded(&id, &audience, ALL_TENANTS, &scopes));
    }
    match db.commit(batch).await {
        // Seeded before: what an operator has changed since stays as it is. What this release can do more, the machine
        // may do as well: else nobody could let it.
        Err(Fault { kind: FaultKind::Conflict(_), .. }) => db.commit(widen).await.map(drop),
        other => other.map(drop),
    }
}

/// Refuses a first start with an administrator's password that nobody else could choose: it guards every tenant. Where
/// there is an administrator already, what the variable says has no effect.
async fn check_admin_password(config: &Config, db: &TenantDb, role: &RoleId) -> Result<(), Fault> {
    let Some((email, password)) = &config.admin else { return Ok(()) };
    let born = seed::connection(ConnectionId::new(""), true);
    match Policy::of(&born).check(password, Some(email), None) {
        Err(weakness) if db.first(roles::store::by_id(role)).await?.is_none() => {
            Err(Fault::internal(format!("ADMIN_PASSWORD is not good enough, choose another: {weakness}")))
        }
        _ => Ok(()),
    }
}

fn administrator(
    platform: &dyn Platform,
    email: &str,
    password: &Secret,
    role: &RoleId,
    now: Timestamp,
) -> Result<Vec<crate::db::Statement<InTenant>>, Fault> {
    let id = UserId::new(format!("auth0|{}", random_text(platform, 24)));
    let user = users::model::NewUser {
        connection: connections::model::DATABASE.to_owned(),
        email: Some(email.to_lowercase()),
        email_verified: true,
        ..users::model::NewUser::default()
    };
    let hash = users::password::hash_now(platform, password)?;
    Ok(vec![
        users::store::insert(&id, &user, now)?,
        users::store::set_password(&id, &hash, now),
        roles::store::assign(&id, None, role, now),
    ])
}

/// The machine client as any other non-interactive one: a document that an operator could have sent.
fn machine(id: &ClientId) -> Result<Client, Fault> {
    let document = json!({ "app_type": AppType::NonInteractive, "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": AuthMethod::ClientSecretPost });
    let mut client: Client =
        serde_json::from_value(document).map_err(|error| Fault::internal(error.to_string()))?;
    client.client_id = id.clone();
    "Management".clone_into(&mut client.name);
    Ok(client)
}
