//! Tokens of any kind, signed with a tenant's own key: what its token endpoint would issue, and what it never would.

use super::{World, block_on, world::MANAGEMENT_AUDIENCE};
use gatehouse::{db::Meter, id::TenantId, jose::jwt::ACCESS_TOKEN, platform::Platform, tenant::Resolved};
use serde_json::{Value as Json, json};

impl World {
    /// An access token of a tenant (`main` too) for the management API, good for an hour, with these claims over the
    /// usual ones; null takes one away.
    pub fn signed(&self, tenant: &str, claims: &Json) -> String {
        self.signed_as(ACCESS_TOKEN, tenant, claims)
    }

    /// Makes whoever a token speaks for, unless they are there: a person holds what its scopes say, a machine was granted it.
    fn make_real(&self, tenant: &TenantId, claims: &Json) {
        let row = self.database("DIRECTORY").query(&format!(
            "select d.binding from tenants t join databases d on d.id = t.database_id where t.id = '{tenant}'"
        ));
        let database = self.database(row[0]["binding"].as_str().unwrap());
        let sub = claims["sub"].as_str().unwrap();
        let scopes: Vec<&str> = claims["scope"].as_str().unwrap_or_default().split_whitespace().collect();
        let host = if tenant.as_str() == "main" { String::new() } else { format!("{tenant}.") };
        let api = format!("http://{host}localhost:8787/api/v2/");
        if let Some(client) = sub.strip_suffix("@clients") {
            let scopes = json!(scopes);
            database.query(&format!(
                "insert or ignore into clients (tenant_id, client_id, name, document, created_at, updated_at)
                 values ('{tenant}', '{client}', 'Machine', '{{\"grant_types\":[\"client_credentials\"]}}', 1, 1)"
            ));
            database.query(&format!(
                "insert or replace into client_grants (tenant_id, id, client_id, audience, scope, created_at, updated_at)
                 values ('{tenant}', 'grant-of-{client}', '{client}', '{api}', '{scopes}', 1, 1)"
            ));
            return;
        }
        database.query(&format!(
            "insert or ignore into users (tenant_id, user_id, connection, provider, created_at, updated_at)
             values ('{tenant}', '{sub}', 'Username-Password-Authentication', 'auth0', 1, 1)"
        ));
        if claims["org_id"].is_null() || tenant.as_str() != "main" {
            for scope in scopes {
                database.query(&format!(
                    "insert or ignore into user_permissions (tenant_id, user_id, resource_server_identifier, permission_name, created_at)
                     values ('{tenant}', '{sub}', '{api}', '{scope}', 1)"
                ));
            }
        }
    }

    /// The same, as another kind of token.
    pub fn signed_as(&self, kind: &str, tenant: &str, claims: &Json) -> String {
        let (shared, now) = (self.app.shared(), self.outside.now());
        let id = TenantId::parse(tenant).unwrap();
        let resolved = block_on(shared.directory.by_id(&id, now, &Meter::default()));
        let Ok(Resolved::Serving(tenant, db)) = resolved else { panic!("{id} does not serve") };
        let platform = shared.platform.as_ref();
        let snapshot = block_on(shared.snapshots.of(&tenant, &db, platform, &shared.config, now)).unwrap();
        let mut all = json!({ "iss": tenant.issuer().as_str(), "sub": "auth0|somebody", "aud": MANAGEMENT_AUDIENCE,
            "iat": now.seconds(), "exp": now.seconds() + 3600 });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.make_real(&id, &all);
        shared.snapshots.forget_people(&tenant);
        block_on(snapshot.sign(platform, now, kind, &all)).unwrap()
    }
}
