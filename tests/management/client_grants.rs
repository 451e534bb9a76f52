//! Client grants: a client gets only what is there to be given.

use crate::support::{Ask, World, world::MACHINE_ID};
use serde_json::{Value as Json, json};

const MANAGEMENT: &str = "http://localhost:8787/api/v2/";
const API: &str = "https://orders.example/";

/// A world with an API of two scopes and a machine, and the machine as it was made.
fn world() -> (World, Json) {
    let world = World::new();
    let admin = world.admin("");
    let api = json!({ "identifier": API, "scopes": [{ "value": "read" }, { "value": "write" }] });
    admin.post("resource-servers", &api).expect(201);
    let machine = admin.post("clients", &json!({ "name": "Machine", "app_type": "non_interactive" }));
    let machine = machine.expect(201).json();
    (world, machine)
}

/// What the machine is given for the audience, by a server that remembers nothing.
fn scope_of(world: &World, machine: &Json, audience: &str) -> Option<String> {
    let text = |name: &str| machine[name].as_str().unwrap();
    let ask = Ask::post("", "/oauth/token").form(&[
        ("grant_type", "client_credentials"),
        ("client_id", text("client_id")),
        ("client_secret", text("client_secret")),
        ("audience", audience),
    ]);
    let answer = world.another_isolate().send(ask);
    (answer.status() == 200).then(|| answer.json()["scope"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_grant_is_made_listed_changed_and_removed_and_each_counts() {
    let (world, machine) = world();
    let admin = world.admin("");
    assert_eq!(scope_of(&world, &machine, API), None);
    let body = json!({ "client_id": machine["client_id"], "audience": API, "scope": ["read"] });
    let made = admin.post("client-grants", &body).expect(201).json();
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("cgr_"), "{id}");
    let mut expected = body;
    expected["id"] = id.into();
    expected["subject_type"] = "client".into();
    assert_eq!(made, expected);
    assert_eq!(scope_of(&world, &machine, API).as_deref(), Some("read"));

    let url = format!("client-grants/{id}");
    assert_eq!(admin.get(&url).expect(200).json(), made);
    let client = machine["client_id"].as_str().unwrap();
    for (query, found) in [
        (format!("client_id={client}"), 1),
        (format!("audience={API}"), 1),
        (format!("client_id={client}&audience={API}"), 1),
        (format!("client_id={client}&audience={MANAGEMENT}"), 0),
        (format!("client_id={MACHINE_ID}"), 1),
        ("client_id=nobody".to_owned(), 0),
        (String::new(), 2),
    ] {
        let list = admin.get(&format!("client-grants?include_totals=true&{query}")).expect(200).json();
        assert_eq!(
            (&list["total"], list["client_grants"].as_array().unwrap().len()),
            (&json!(found), found),
            "{query}"
        );
    }

    let changed = admin.patch(&url, &json!({ "scope": ["read", "write"] })).expect(200).json();
    assert_eq!(changed["scope"], json!(["read", "write"]));
    assert_eq!(scope_of(&world, &machine, API).as_deref(), Some("read write"));
    admin.delete(&url).expect(204);
    admin.delete(&url).expect(204);
    assert_eq!(admin.get(&url).expect(404).json()["errorCode"], "inexistent_client_grant");
    assert_eq!(scope_of(&world, &machine, API), None);
}

#[test]
fn nothing_is_granted_that_is_not_there() {
    let (world, machine) = world();
    let admin = world.admin("");
    let client = &machine["client_id"];
    let made =
        admin.post("client-grants", &json!({ "client_id": client, "audience": API, "scope": ["read"] }));
    let url = format!("client-grants/{}", made.expect(201).json()["id"].as_str().unwrap());
    let before = world.database("SHARED").but_for_logs("main");
    let twice =
        admin.post("client-grants", &json!({ "client_id": client, "audience": API })).expect(409).json();
    assert_eq!(twice["errorCode"], "client_grant_conflict");
    for (body, words) in [
        (json!({ "audience": MANAGEMENT }), "Missing required property: client_id"),
        (json!({ "client_id": client }), "Missing required property: audience"),
        (json!({ "client_id": "nobody", "audience": MANAGEMENT }), "client_id: the client does not exist"),
        (json!({ "client_id": client, "audience": "https://nobody.example" }), "audience: there is no such"),
        (
            json!({ "client_id": client, "audience": MANAGEMENT, "scope": ["read:nothing"] }),
            "does not define read:nothing",
        ),
        (
            json!({ "client_id": client, "audience": MANAGEMENT, "scope": ["clients:read"] }),
            "does not define clients:read",
        ),
        (
            json!({ "client_id": client, "audience": MANAGEMENT, "scope": ["read:clients", "read:clients"] }),
            "more than once",
        ),
        (
            json!({ "client_id": client, "audience": MANAGEMENT, "scope": "read:clients" }),
            "'scope' must be a list",
        ),
        (json!({ "client_id": client, "audience": MANAGEMENT, "scope": [1] }), "'scope[0]' must be text"),
        (json!({ "client_id": 1, "audience": MANAGEMENT }), "'client_id' must be text"),
        (json!({ "client_id": client, "audience": MANAGEMENT, "id": "cgr_mine" }), "id cannot be set"),
        (json!({ "client_id": client, "audience": MANAGEMENT, "is_system": true }), "not allowed: is_system"),
    ] {
        let refusal = admin.post("client-grants", &body).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains(words), "{words}: {refusal}");
    }
    for (body, words) in [
        (json!({ "scope": ["admin"] }), "https://orders.example/ does not define admin"),
        (json!({ "audience": MANAGEMENT }), "audience cannot be set"),
        (json!({ "client_id": MACHINE_ID }), "client_id cannot be set"),
    ] {
        let refusal = admin.patch(&url, &body).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains(words), "{words}: {refusal}");
    }
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
}

#[test]
fn the_management_api_of_main_can_be_granted_with_all_tenants() {
    let (world, machine) = world();
    let admin = world.admin("");
    let grant = json!({ "client_id": machine["client_id"], "audience": MANAGEMENT, "scope": ["tenants:all", "read:clients"] });
    admin.post("client-grants", &grant).expect(201);
    assert_eq!(scope_of(&world, &machine, MANAGEMENT).as_deref(), Some("tenants:all read:clients"));
}

#[test]
fn nobody_grants_a_machine_what_they_do_not_hold() {
    let (world, machine) = world();
    let holder = |scope: &str| {
        world.holder("", &world.signed("main", &json!({ "sub": "auth0|clerk", "scope": scope })))
    };
    let clerk = holder("create:client_grants update:client_grants read:clients");
    let before = world.database("SHARED").but_for_logs("main");
    let grant =
        |scope: &[&str]| json!({ "client_id": machine["client_id"], "audience": MANAGEMENT, "scope": scope });
    for scope in [&["tenants:all"][..], &["read:clients", "delete:users"], &["read:client_keys"]] {
        let refusal = clerk.post("client-grants", &grant(scope)).expect(403).json();
        assert_eq!(refusal["errorCode"], "insufficient_scope", "{scope:?}");
    }
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
    let stronger =
        world.admin("").post("client-grants", &grant(&["read:clients", "delete:users"])).expect(201).json();
    let url = format!("client-grants/{}", stronger["id"].as_str().unwrap());
    clerk.patch(&url, &json!({ "scope": ["delete:users", "update:users"] })).expect(403);
    clerk.patch(&url, &json!({ "scope": ["delete:users"] })).expect(200);
    clerk.patch(&url, &json!({ "scope": ["delete:users", "read:clients"] })).expect(200);
    assert_eq!(scope_of(&world, &machine, MANAGEMENT).as_deref(), Some("delete:users read:clients"));
}
