//! What every tenant is born with: a sealing key, a signing key, a database connection and its management API.

use super::spare_keys;
use crate::{
    access::Shared,
    db::{Meter, Row, Statement},
    error::{Fault, FaultKind},
    id::{ConnectionId, TenantId, prefixed, random_text},
    jose::Algorithm,
    platform::Platform,
    resources::{
        connections::{self, CONNECTIONS, model::Connection},
        engine::store::insert,
        keys::{self, model::SigningKey},
        resource_servers::RESOURCE_SERVERS,
        settings::{self, model::Settings},
    },
    tenant::{InTenant, Issuer, TenantDb},
    time::Timestamp,
};
use serde_json::{Map, Value as Json, json};

/// Seeds a tenant. Idempotent: what is there already, perhaps from an attempt that died, is kept. The sealing key goes
/// first and is read back, so that whatever is sealed afterwards is sealed with the one that stayed.
///
/// # Errors
/// A fault of the database or the platform.
pub async fn tenant(
    shared: &Shared,
    tenant: &TenantId,
    issuer: &Issuer,
    friendly_name: &str,
    db: &TenantDb,
    meter: &Meter,
    now: Timestamp,
) -> Result<(), Fault> {
    let (platform, config) = (shared.platform.as_ref(), &shared.config);
    let mut key = [0; 32];
    platform.random(&mut key);
    let wrapped = keys::store::wrap(platform, tenant, key, &config.encryption_keys)?;
    let outcomes = db
        .commit([
            keys::store::insert_first_data_key(&random_text(platform, 8), &wrapped, now),
            keys::store::data_keys().into(),
            keys::store::all().into(),
        ])
        .await?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    if !rows(2).is_empty() {
        return Ok(());
    }
    let key = signing_key(shared, tenant, rows(1), meter, now).await?;
    // One batch, whose first statement only one of two rivals can get through: the other finds the tenant seeded.
    let is_main = *tenant == config.main_tenant;
    let first = first_rows(platform, issuer, friendly_name, is_main, now)?.into_iter();
    let seeded = db.commit(first.chain([keys::store::insert(&key, now)?])).await;
    match seeded {
        Err(Fault { kind: FaultKind::Conflict(_), .. }) => Ok(()),
        other => other.map(drop),
    }
}

/// Gives a tenant that was restored without its keys one to sign with, unless it has one.
///
/// # Errors
/// A fault of the database or the platform.
pub async fn restored(
    shared: &Shared,
    tenant: &TenantId,
    db: &TenantDb,
    meter: &Meter,
    now: Timestamp,
) -> Result<(), Fault> {
    let [data_keys, keys] = db.read([keys::store::data_keys(), keys::store::all()]).await?;
    if !keys.is_empty() {
        return Ok(());
    }
    let key = signing_key(shared, tenant, &data_keys, meter, now).await?;
    db.commit([keys::store::insert(&key, now)?]).await.map(drop)
}

/// A new signing key, sealed by the tenant's data key.
async fn signing_key(
    shared: &Shared,
    tenant: &TenantId,
    data_keys: &[Row],
    meter: &Meter,
    now: Timestamp,
) -> Result<SigningKey, Fault> {
    let seal = keys::store::unwrap(tenant, data_keys, &shared.config.encryption_keys)?;
    let pair = spare_keys::take(shared, meter).await?;
    let public = pair.public.published(Algorithm::RS256);
    let private = seal.seal(shared.platform.as_ref(), &keys::store::purpose(&public.kid), &pair.private)?;
    Ok(SigningKey {
        algorithm: Algorithm::RS256,
        public,
        private: Some(private),
        current_since: now,
        revoked_at: None,
    })
}

/// The database connection that a tenant is born with. Anybody can sign up there (Auth0), but not where tenants are managed:
/// who does that is chosen by others.
pub fn connection(id: ConnectionId, is_main: bool) -> Connection {
    let mut document = connections::model::Document::default();
    if is_main {
        document.options.insert("disable_signup".to_owned(), true.into());
    }
    Connection { id, name: connections::model::DATABASE.to_owned(), strategy: "auth0".to_owned(), document }
}

/// What a tenant is born with besides its keys.
///
/// # Errors
/// A fault if it does not serialize.
pub fn first_rows(
    platform: &dyn Platform,
    issuer: &Issuer,
    friendly_name: &str,
    is_main: bool,
    now: Timestamp,
) -> Result<Vec<Statement<InTenant>>, Fault> {
    let born = members(json!({
        "name": connections::model::DATABASE,
        "strategy": "auth0",
        "options": connection(ConnectionId::new(""), is_main).document.options,
    }));
    let management = members(json!({
        "identifier": issuer.management_audience(),
        "name": "Management API",
        "is_system": true,
        "token_lifetime": 7_200,
        "enforce_policies": true,
    }));
    let settings = Settings { friendly_name: Some(friendly_name.to_owned()), ..Settings::default() };
    Ok(vec![
        insert(&CONNECTIONS, &prefixed(platform, CONNECTIONS.prefix), &born, now),
        insert(&RESOURCE_SERVERS, &prefixed(platform, RESOURCE_SERVERS.prefix), &management, now),
        settings::store::put(&settings, now)?,
    ])
}

fn members(object: Json) -> Map<String, Json> {
    match object {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}
