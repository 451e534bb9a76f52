//! Resource servers: what they define, and what becomes of it when they no longer do.

use crate::support::World;
use serde_json::{Value as Json, json};

const API: &str = "https://orders.example/";

fn scopes(names: &[&str]) -> Json {
    names.iter().map(|name| json!({ "value": name, "description": format!("May {name}") })).collect()
}

#[test]
fn an_api_is_made_found_by_id_and_identifier_changed_and_removed() {
    let world = World::new();
    let admin = world.admin("");
    let body = json!({ "identifier": API, "name": "Orders", "scopes": scopes(&["read", "write"]),
        "allow_offline_access": true, "token_dialect": "access_token" });
    let made = admin.post("resource-servers", &body).expect(201).json();
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("api_"), "{id}");
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    assert_eq!(
        [&made["token_lifetime"], &made["signing_alg"], &made["is_system"], &made["enforce_policies"]],
        [&json!(86400), &json!("RS256"), &json!(false), &json!(false)],
        "defaults are Auth0's"
    );
    assert_eq!(admin.get(&format!("resource-servers/{id}")).expect(200).json(), made);
    let by_identifier = "resource-servers/https%3A%2F%2Forders.example%2F";
    assert_eq!(admin.get(by_identifier).expect(200).json(), made);
    let listed = admin.get("resource-servers?include_totals=true").expect(200).json();
    assert_eq!(listed["total"], 2);
    assert!(listed["resource_servers"].as_array().unwrap().contains(&made));

    let changed =
        admin.patch(by_identifier, &json!({ "name": "All orders", "token_lifetime": 60 })).expect(200).json();
    let mut expected = made.clone();
    expected["name"] = "All orders".into();
    expected["token_lifetime"] = 60.into();
    assert_eq!(changed, expected);
    assert_eq!(admin.get(by_identifier).expect(200).json(), expected);

    admin.delete(&format!("resource-servers/{id}")).expect(204);
    admin.delete(&format!("resource-servers/{id}")).expect(204);
    assert_eq!(admin.get(by_identifier).expect(404).json()["errorCode"], "inexistent_resource_server");
    let unnamed = admin.post("resource-servers", &json!({ "identifier": API })).expect(201).json();
    assert_eq!(unnamed["name"], API);
}

#[test]
fn what_an_api_may_not_be_is_refused_by_name_and_changes_nothing() {
    let world = World::new();
    let admin = world.admin("");
    admin.post("resource-servers", &json!({ "identifier": API })).expect(201);
    let before = world.database("SHARED").but_for_logs("main");
    let taken = admin.post("resource-servers", &json!({ "identifier": API })).expect(409).json();
    assert_eq!(taken["errorCode"], "resource_server_conflict");
    let management = json!({ "identifier": "http://localhost:8787/api/v2/" });
    admin.post("resource-servers", &management).expect(409);
    for (body, words) in [
        (json!({}), "Missing required property: identifier"),
        (json!({ "identifier": "" }), "'identifier' must be"),
        (json!({ "identifier": "with space" }), "'identifier' must be"),
        (json!({ "identifier": "x".repeat(601) }), "'identifier' must be"),
        (json!({ "identifier": 5 }), "'identifier' must be"),
        (json!({ "identifier": "http://localhost:8787/userinfo" }), "identifier is reserved"),
        (json!({ "identifier": "x", "scopes": ["read"] }), "'scopes[0]' must be an object"),
        (json!({ "identifier": "x", "scopes": scopes(&["read write"]) }), "'scopes[0].value' must be"),
        (
            json!({ "identifier": "x", "scopes": scopes(&["read", "read"]) }),
            "scopes: read is there more than once",
        ),
        (json!({ "identifier": "x", "scopes": scopes(&[""]) }), "'scopes[0].value' must be"),
        (json!({ "identifier": "x", "token_lifetime": 0 }), "'token_lifetime' must be"),
        (json!({ "identifier": "x", "token_lifetime": "60" }), "'token_lifetime' must be"),
        (json!({ "identifier": "x", "signing_alg": "HS256" }), "'signing_alg' must be one of: RS256"),
        (json!({ "identifier": "x", "is_system": true }), "is_system cannot be set"),
        (json!({ "identifier": "x", "id": "api_mine" }), "id cannot be set"),
    ] {
        let refusal = admin.post("resource-servers", &body).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains(words), "{words}: {refusal}");
    }
    let moved = json!({ "identifier": "https://elsewhere.example/" });
    let refusal = admin.patch("resource-servers/https%3A%2F%2Forders.example%2F", &moved).expect(400).json();
    assert!(refusal["message"].as_str().unwrap().contains("identifier cannot be set"));
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
}

#[test]
fn the_management_api_is_shown_with_the_scopes_of_the_route_table_and_never_changed() {
    let world = World::new();
    let admin = world.admin("");
    let url = "resource-servers/http%3A%2F%2Flocalhost%3A8787%2Fapi%2Fv2%2F";
    let api = admin.get(url).expect(200).json();
    assert_eq!(api["is_system"], true);
    let defined: Vec<_> =
        api["scopes"].as_array().unwrap().iter().map(|scope| scope["value"].as_str().unwrap()).collect();
    for scope in ["read:clients", "delete:organizations", "tenants:all", "tenant:admin"] {
        assert!(defined.contains(&scope), "{scope}");
    }
    let before = world.database("SHARED").but_for_logs("main");
    admin.patch(url, &json!({ "scopes": [] })).expect(403);
    admin.delete(url).expect(403);
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
}

#[test]
fn a_scope_that_is_no_longer_defined_is_taken_from_everybody() {
    let world = World::new();
    let admin = world.admin("");
    let made =
        admin.post("resource-servers", &json!({ "identifier": API, "scopes": scopes(&["read", "write"]) }));
    let url = format!("resource-servers/{}", made.expect(201).json()["id"].as_str().unwrap());
    let database = world.database("SHARED");
    let give = || {
        for sql in [
            "insert into role_permissions (tenant_id, role_id, resource_server_identifier, permission_name, created_at)
             values ('main', 'r', 'https://orders.example/', 'read', 1), ('main', 'r', 'https://orders.example/', 'write', 1)",
            "insert into user_permissions (tenant_id, user_id, resource_server_identifier, permission_name, created_at)
             values ('main', 'u', 'https://orders.example/', 'read', 1), ('main', 'u', 'https://orders.example/', 'write', 1)",
            "insert into client_grants (tenant_id, id, client_id, audience, scope, created_at, updated_at)
             values ('main', 'g', 'c', 'https://orders.example/', '[\"write\",\"read\"]', 1, 1)",
        ] {
            database.query(sql);
        }
    };
    let held = || {
        json!([
            database.query("select permission_name as p from role_permissions where role_id = 'r'"),
            database.query("select permission_name as p from user_permissions"),
            database.query("select scope as p from client_grants where id = 'g'"),
        ])
    };
    give();
    admin.patch(&url, &json!({ "name": "Same scopes" })).expect(200);
    let both = json!([{ "p": "read" }, { "p": "write" }]);
    assert_eq!(held(), json!([both, both, [{ "p": "[\"write\",\"read\"]" }]]));
    admin.patch(&url, &json!({ "scopes": scopes(&["read"]) })).expect(200);
    let one = json!([{ "p": "read" }]);
    assert_eq!(held(), json!([one, one, [{ "p": "[\"read\"]" }]]));
    admin.delete(&url).expect(204);
    assert_eq!(held(), json!([[], [], []]));
    let others = "select 1 from role_permissions where role_id = 'rol_tenant_admin'";
    assert_eq!(database.query(others).len(), 1, "what is of another API stays");
}
