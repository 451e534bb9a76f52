//! Bodies with which a route does something, and those with which it would give, or take, too much.

use super::{
    outcome::{EVIL, Loot},
    scene::{Bearer, PASSWORD, Scene, audience, catalogue},
};
use crate::support::{World, world::MANAGEMENT_AUDIENCE};
use gatehouse::http::{Method, route::Route};
use serde_json::{Value as Json, json};

impl Scene<'_> {
    /// Bodies with which the route does something, and those with which it would give, or take, too much.
    pub fn bodies(
        &self,
        world: &World,
        route: &Route,
        tenant: &str,
        bearer: &Bearer,
        loot: &Loot,
    ) -> Vec<Json> {
        let inhabited = if tenant == "main" { &self.main } else { &self.acme };
        if route.method == Method::GET {
            return vec![Json::Null];
        }
        let own = bearer.user.clone().unwrap_or_default();
        let names = ["tenant:admin", "update:users", "read:client_keys", "create:tenants"];
        let aliases = [
            audience(tenant),
            MANAGEMENT_AUDIENCE.to_owned(),
            format!("https://{tenant}.localhost:8787/api/v2"),
        ];
        let permission = |name: &str, api: &String| json!({ "permissions": [{ "resource_server_identifier": api, "permission_name": name }] });
        let tail = route.path.trim_start_matches("/api/v2/").trim_start_matches("/management/");
        let mut bodies = match (route.method.as_str(), tail) {
            ("PATCH", "users/{id}") => vec![
                json!({ "password": PASSWORD }),
                json!({ "email": format!("new-{tenant}@evil.example"), "email_verified": true }),
                json!({ "blocked": true }),
            ],
            ("POST", "users") => vec![json!({ "connection": "Username-Password-Authentication",
                "email": format!("mallory@{tenant}.example"), "password": PASSWORD })],
            ("POST" | "DELETE", "users/{id}/permissions" | "roles/{id}/permissions") => {
                names.iter().flat_map(|name| aliases.iter().map(|api| permission(name, api))).collect()
            }
            ("POST" | "DELETE", "users/{id}/roles" | "organizations/{id}/members/{user_id}/roles") => {
                vec![json!({ "roles": ["rol_tenant_admin"] })]
            }
            ("POST", "roles/{id}/users") => vec![json!({ "users": [own] })],
            ("POST" | "DELETE", "organizations/{id}/members") => vec![json!({ "members": [own] })],
            ("POST", "clients") => vec![
                json!({ "name": "m", "app_type": "non_interactive" }),
                json!({ "name": "Wiki", "app_type": "spa", "callbacks": [EVIL], "is_first_party": true, "organization_usage": "allow" }),
            ],
            ("PATCH", "clients/{id}") => vec![
                json!({ "callbacks": [EVIL] }),
                json!({ "is_first_party": true }),
                json!({ "grant_types": [] }),
                json!({ "token_endpoint_auth_method": "none", "grant_types": [] }),
            ],
            ("POST", "client-grants") => {
                let made = loot.clients.iter().filter(|(of, _, _)| of == tenant).map(|(_, id, _)| id.clone());
                let clients: Vec<String> = made.take(3).chain(["app-1".to_owned()]).collect();
                let scopes: Vec<Vec<&str>> =
                    names.iter().map(|name| vec![*name]).chain([vec!["tenants:all"]]).collect();
                let grant = |client: &String, api: &String, scope: &Vec<&str>| json!({ "client_id": client, "audience": api, "scope": scope });
                let of = |client: &String| {
                    scopes
                        .iter()
                        .flat_map(|scope| aliases.iter().map(|api| grant(client, api, scope)))
                        .collect::<Vec<_>>()
                };
                clients.iter().flat_map(of).collect()
            }
            ("PATCH", "client-grants/{id}") => vec![json!({ "scope": names }), json!({ "scope": [] })],
            ("POST", "resource-servers") => aliases
                .iter()
                .map(|api| json!({ "identifier": api, "scopes": [{ "value": "update:users" }] }))
                .collect(),
            ("PATCH", "tenants/settings") => {
                vec![json!({ "mfa": { "policy": "never" } }), json!({ "default_audience": audience(tenant) })]
            }
            ("PATCH", "connections/{id}") => vec![json!({ "options": { "passwordPolicy": "none" } })],
            ("POST", "tenants/{id}/restores") => {
                let ways = [None, Some("copy-one"), Some("copy-two")];
                let body = |backup: &String, into: Option<&str>| match into {
                    Some(into) => json!({ "backup": backup, "into": into, "placement": "shared" }),
                    None => json!({ "backup": backup }),
                };
                self.backups.iter().flat_map(|backup| ways.map(|into| body(backup, into))).collect()
            }
            ("POST", "tenants/{id}/import") => [true, false]
                .map(|live| json!({ "source": "authhero", "tenant": "x", "live": live }))
                .to_vec(),
            ("POST", "tenants/{id}/import/records") => imported(world),
            ("POST", "tenants/{id}/time-travel") => vec![json!({ "timestamp": "2027-01-15T07:00:00Z" })],
            ("POST", "tenants") => vec![json!({ "id": "own-tenant", "placement": "shared" })],
            ("PATCH", "tenants/{id}") => vec![json!({ "friendly_name": "x" })],
            _ => Vec::new(),
        };
        if route.area == "Management" {
            bodies.push(inhabited.body(route));
        } else {
            bodies.push(json!({}));
        }
        bodies
    }
}

/// A machine with everything, as records of an import.
fn imported(world: &World) -> Vec<Json> {
    let secret = "an-imported-secret-that-is-known-to-the-bearer";
    let client = json!({ "client_id": "imported", "name": "m", "client_secret": secret, "created_at": 1, "updated_at": 1,
        "document": { "app_type": "non_interactive", "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post" } });
    let grant = |tenant: &str| {
        json!({ "id": format!("cgr_{tenant}"), "client_id": "imported", "audience": audience(tenant),
        "scope": catalogue(world), "created_at": 1, "updated_at": 1 })
    };
    let chunk = |table: &str, record: Json| json!({ "table": table, "from": 0, "records": [record] });
    vec![
        chunk("clients", client),
        chunk("client_grants", grant("acme")),
        chunk("client_grants", grant("main")),
    ]
}
