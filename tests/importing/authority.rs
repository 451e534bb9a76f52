//! Whoever fills a tenant can be anybody there: who may import into which.

use super::{begin, send};
use crate::support::{Answer, Ask, World};
use serde_json::{Value as Json, json};

fn post(world: &World, token: &str, tenant: &str, path: &str, body: &Json) -> Answer {
    world.send(Ask::post("", &format!("/management/tenants/{tenant}/import{path}")).bearer(token).json(body))
}

fn wanted(live: bool) -> Json {
    json!({ "source": "authhero", "tenant": "acme", "issuer": "http://old.example/", "live": live })
}

fn machine(world: &World, scopes: &[&str]) -> String {
    let admin = world.admin("");
    let client = json!({ "name": "m", "app_type": "non_interactive" });
    let client = admin.post("clients", &client).expect(201).json();
    let audience = "http://localhost:8787/api/v2/";
    let grant = json!({ "client_id": client["client_id"], "audience": audience, "scope": scopes });
    admin.post("client-grants", &grant).expect(201);
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("audience", audience),
    ];
    world.send(Ask::post("", "/oauth/token").form(&form)).expect(200).json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_scope_alone_fills_nobodys_tenant() {
    let world = World::new();
    world.tenant("acme");
    let person = world.operator("op@example.com", &["import:tenants"]);
    let narrow = machine(&world, &["import:tenants"]);
    let all_tenants = machine(&world, &["import:tenants", "tenants:all"]);
    let before = world.database("DIRECTORY").everything();
    for token in [&person.token, &narrow, &all_tenants] {
        for tenant in ["acme", "main"] {
            for live in [true, false] {
                post(&world, token, tenant, "", &wanted(live)).expect(403);
            }
        }
    }
    // Nor does it go on with what somebody else has begun.
    begin(&world, "acme", true).expect(201);
    for token in [&person.token, &narrow, &all_tenants] {
        let chunk = json!({ "table": "roles", "from": 0, "records": [] });
        post(&world, token, "acme", "/records", &chunk).expect(403);
        post(&world, token, "acme", "/finish", &json!({})).expect(403);
    }
    assert!(world.database("DIRECTORY").everything() == before);
}

#[test]
fn who_administers_a_new_tenant_fills_it_and_nobody_whom_they_could_become_is_there() {
    let world = World::new();
    world.tenant("acme");
    let person = world.operator("ann@example.com", &["import:tenants"]);
    world.appoint(&person, "acme");
    let refused = post(&world, &person.token, "acme", "", &wanted(true)).expect(403).json();
    assert_eq!(refused["errorCode"], "insufficient_scope");
    post(&world, &person.token, "acme", "", &wanted(false)).expect(201);
    // A host they can name, and only who may do everything can vouch for it.
    let domain = |status: &str| {
        json!({ "table": "custom_domains", "from": 0, "records": [{ "id": "1", "domain": "login.acme.example",
            "is_primary": true, "status": status, "document": {}, "created_at": 1, "updated_at": 1 }] })
    };
    post(&world, &person.token, "acme", "/records", &domain("ready")).expect(403);
    post(&world, &person.token, "acme", "/records", &domain("pending")).expect(200);
    post(&world, &person.token, "acme", "/finish", &json!({})).expect(200);
}

#[test]
fn no_imported_api_is_called_like_a_url_of_this_server() {
    let world = World::new();
    world.tenant("acme");
    begin(&world, "acme", false).expect(201);
    for identifier in ["https://acme.localhost:8787/api/v2/", "http://localhost:8787/userinfo"] {
        let record = json!({ "id": "api_1", "identifier": identifier, "name": "API", "document": {}, "created_at": 1, "updated_at": 1 });
        let refused = send(&world, "acme", "resource_servers", 0, &[record]).expect(400).json();
        assert_eq!(refused["detail"]["column"], "identifier", "{refused}");
    }
}
