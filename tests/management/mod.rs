//! The management API, resource by resource.

mod access;
mod attack_protection;
mod audiences;
mod client_grants;
mod clients;
mod connections;
mod creator;
mod effects;
mod encryption_keys;
mod giving;
mod identities;
mod keys;
mod logs;
mod organization_grants;
mod organizations;
mod password_policy;
mod resource_servers;
mod roles;
mod search;
mod sessions;
mod settings;
mod users;

use crate::support::{Admin, Ask, World};
use serde_json::{Value as Json, json};

const DATABASE: &str = "Username-Password-Authentication";

/// A tenant beside the main one, in the same database, and who manages it.
fn beside<'a>(world: &'a World, name: &str) -> Admin<'a> {
    world.admin("").post("tenants", &json!({ "id": name, "placement": "shared" })).expect(201);
    world.holder(name, &world.machine_token(""))
}

/// A user with this address, made by `admin`.
fn user(admin: &Admin, email: &str) -> Json {
    let body = json!({ "connection": DATABASE, "email": email, "password": "Tr0ub4dor-3" });
    admin.post("users", &body).expect(201).json()
}

/// A token of a new machine client of this tenant (empty: the main one) that was granted these scopes of its management
/// API and nothing else.
fn machine(world: &World, maker: &Admin, tenant: &str, scopes: &[&str]) -> String {
    let client = json!({ "name": "Machine", "app_type": "non_interactive" });
    let client = maker.post("clients", &client).expect(201).json();
    let host = if tenant.is_empty() { String::new() } else { format!("{tenant}.") };
    let audience = format!("http://{host}localhost:8787/api/v2/");
    let grant = json!({ "client_id": client["client_id"], "audience": audience, "scope": scopes });
    maker.post("client-grants", &grant).expect(201);
    let ask = Ask::post(tenant, "/oauth/token").form(&[
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap()),
        ("audience", &audience),
    ]);
    world.send(ask).expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

/// An id as one segment of a path.
fn segment(id: &str) -> String {
    id.replace('|', "%7C")
}

/// Everything of the main tenant: equal before and after means that nothing was changed.
fn contents(world: &World) -> String {
    world.database("SHARED").but_for_logs("main")
}
