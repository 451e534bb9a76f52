//! Connections: where identities come from, and the secrets that never come back.

use super::{DATABASE, beside, contents, segment, user};
use crate::support::{Admin, World, block_on};
use gatehouse::{db::Meter, platform::Platform, resources::connections::model::hide, secret::Sealed};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn google(admin: &Admin) -> Json {
    let options = json!({ "client_id": "public", "client_secret": "shh-1", "scope": ["email"],
        "configuration": { "client_secret": "shh-2", "realm": "a" },
        "keys": [{ "private_key": "shh-3", "kid": "k" }, [[{ "api_key": "shh-4" }]]] });
    let body = json!({ "name": "google", "strategy": "google-oauth2", "display_name": "Google", "options": options });
    admin.post("connections", &body).expect(201).json()
}

fn url(connection: &Json) -> String {
    format!("connections/{}", connection["id"].as_str().unwrap())
}

fn stored(world: &World, connection: &Json) -> Json {
    let id = connection["id"].as_str().unwrap();
    let rows = world.database("SHARED").query(&format!("select document from connections where id = '{id}'"));
    serde_json::from_str(rows[0]["document"].as_str().unwrap()).unwrap()
}

/// What was sealed on the main tenant for this purpose.
fn open(world: &World, purpose: &str, sealed: &str) -> String {
    let (shared, now) = (world.app.shared(), world.outside.now());
    let (tenant, db) = block_on(shared.directory.main(now, &Meter::default())).unwrap();
    let platform = shared.platform.as_ref();
    let snapshot = block_on(shared.snapshots.of(&tenant, &db, platform, &shared.config, now)).unwrap();
    snapshot.open(purpose, &Sealed::stored(sealed)).unwrap().expose().to_owned()
}

#[test]
fn a_connection_is_made_listed_changed_and_removed() {
    let world = World::new();
    let admin = world.admin("");
    let body = json!({ "name": "Customers", "strategy": "auth0", "options": { "passwordPolicy": "low", "custom": [1] },
        "enabled_clients": ["c1"], "metadata": { "team": "a" } });
    let made = admin.post("connections", &body).expect(201).json();
    let mut expected = body;
    expected["id"] = made["id"].clone();
    expected["realms"] = json!(["Customers"]);
    expected["is_domain_connection"] = false.into();
    assert_eq!(made, expected);
    assert!(made["id"].as_str().unwrap().starts_with("con_"));
    assert_eq!(admin.get(&url(&made)).expect(200).json(), made);
    assert_eq!(admin.get("connections?name=Customers").expect(200).json(), json!([made]));
    let by_strategy =
        admin.get("connections?strategy=auth0&include_totals=true&fields=name").expect(200).json();
    assert_eq!(
        (&by_strategy["total"], &by_strategy["connections"][1]),
        (&json!(2), &json!({ "name": DATABASE }))
    );
    assert_eq!(admin.get("connections?strategy=oidc").expect(200).json(), json!([]));

    let change =
        json!({ "options": { "disable_signup": true }, "enabled_clients": null, "display_name": "People" });
    let changed = admin.patch(&url(&made), &change).expect(200).json();
    assert_eq!(
        (&changed["options"], &changed["display_name"]),
        (&json!({ "disable_signup": true }), &json!("People"))
    );
    assert!(changed.get("enabled_clients").is_none());
    assert_eq!(changed["metadata"], json!({ "team": "a" }), "what is not named stays");
    assert_eq!(admin.get(&url(&made)).expect(200).json(), changed);
    admin.delete(&url(&made)).expect(204);
    admin.get(&url(&made)).expect(404);
    admin.delete(&url(&made)).expect(204);
}

#[test]
fn the_policy_of_a_connection_counts_at_once() {
    let world = World::new();
    let admin = world.admin("");
    let weak = |email: &str| json!({ "connection": DATABASE, "email": email, "password": "kelpie" });
    admin.post("users", &weak("ann@acme.test")).expect(400);
    let id = admin.get(&format!("connections?name={DATABASE}")).expect(200).json()[0].clone();
    admin.patch(&url(&id), &json!({ "options": { "passwordPolicy": "low" } })).expect(200);
    admin.post("users", &weak("ann@acme.test")).expect(201);
}

#[test]
fn secrets_are_sealed_where_they_are_kept_and_never_come_back() {
    let world = World::new();
    let admin = world.admin("");
    let made = google(&admin);
    let shown = json!({ "client_id": "public", "scope": ["email"], "configuration": { "realm": "a" },
        "keys": [{ "kid": "k" }, [[{}]]] });
    assert_eq!(made["options"], shown);
    assert_eq!(admin.get(&url(&made)).expect(200).json()["options"], shown);
    assert!(!admin.get("connections").expect(200).text().contains("secret"));
    assert!(!contents(&world).contains("shh-"), "not in the database, not in the log");
    let sealed = stored(&world, &made);
    assert!(sealed["options"]["client_secret"].as_str().unwrap().starts_with("s1:"));

    let opened = |document: &Json| {
        let purpose = format!("connections.options {}", made["id"].as_str().unwrap());
        let options = &document["options"];
        [&options["client_secret"], &options["configuration"]["client_secret"]]
            .map(|sealed| open(&world, &purpose, sealed.as_str().unwrap()))
    };
    assert_eq!(opened(&sealed), ["shh-1", "shh-2"]);
    let nested = sealed["options"]["keys"][1][0][0]["api_key"].as_str().unwrap();
    assert!(nested.starts_with("s1:"), "however deep");

    // Options are replaced whole, but what nobody can read stays: absent or empty.
    let change = json!({ "options": { "client_id": "other", "configuration": { "client_secret": "", "realm": "b" } } });
    let changed = admin.patch(&url(&made), &change).expect(200).json();
    assert_eq!(changed["options"], json!({ "client_id": "other", "configuration": { "realm": "b" } }));
    assert_eq!(opened(&stored(&world, &made)), ["shh-1", "shh-2"]);
    let change =
        json!({ "options": { "client_secret": "shh-6", "configuration": { "client_secret": "shh-7" } } });
    admin.patch(&url(&made), &change).expect(200);
    assert_eq!(opened(&stored(&world, &made)), ["shh-6", "shh-7"]);
    admin.patch(&url(&made), &json!({ "options": { "client_secret": null } })).expect(200);
    assert_eq!(stored(&world, &made)["options"]["client_secret"], Json::Null, "null takes it away");
    admin.patch(&url(&made), &json!({ "display_name": "G" })).expect(200);
}

#[test]
fn what_cannot_be_a_connection_is_refused() {
    let world = World::new();
    let admin = world.admin("");
    let made = google(&admin);
    let before = contents(&world);
    let with = |name: &str, value: Json| {
        let mut body = json!({ "name": "Customers", "strategy": "auth0" });
        body[name] = value;
        body
    };
    for body in [
        json!({}),
        json!({ "name": "x" }),
        json!({ "strategy": "auth0" }),
        with("name", json!("two words")),
        with("name", json!("-x")),
        with("name", json!("a--b")),
        with("name", json!("x".repeat(129))),
        with("strategy", json!("carrier-pigeon")),
        with("options", json!([])),
        with("options", json!({ "passwordPolicy": "whatever" })),
        with("options", json!({ "disable_signup": "yes" })),
        with("options", json!({ "password_complexity_options": { "min_length": 0 } })),
        with("options", json!({ "password_complexity_options": { "max_length": 9 } })),
        with("options", json!({ "client_secret": ["shh"] })),
        with("options", json!({ "keys": [[{ "api_key": { "value": "shh" } }]] })),
        with("enabled_clients", json!("c1")),
        with("is_system", json!(true)),
        with("id", json!("con_mine")),
    ] {
        assert_eq!(
            admin.post("connections", &body).expect(400).json()["errorCode"],
            "invalid_body",
            "{body}"
        );
    }
    admin.post("connections", &json!({ "name": "google", "strategy": "auth0" })).expect(409);
    admin.patch(&url(&made), &json!({ "name": "other" })).expect(400);
    admin.patch(&url(&made), &json!({ "strategy": "auth0" })).expect(400);
    admin.patch("connections/con_nobody", &json!({})).expect(404);
    admin.get("connections/con_nobody").expect(404);
    let users = json!({ "connection": "google", "email": "ann@acme.test" });
    admin.post("users", &users).expect(400);
    assert!(contents(&world) == before);
}

#[test]
fn the_users_of_a_connection_go_with_it_and_no_others() {
    let world = World::new();
    let admin = world.admin("");
    let customers = json!({ "name": "Customers", "strategy": "auth0" });
    let customers = admin.post("connections", &customers).expect(201).json();
    let ann = user(&admin, "ann@acme.test");
    let body = json!({ "connection": "Customers", "email": "ann@acme.test", "password": "Tr0ub4dor-3" });
    let other = admin.post("users", &body).expect(201).json();
    let id = other["user_id"].as_str().unwrap();
    let is_there = || contents(&world).lines().any(|line| line.contains(id) && !line.starts_with("logs:"));
    assert!(is_there());
    admin.delete(&url(&customers)).expect(204);
    assert!(!is_there(), "nothing of them is left but what the log tells");
    assert_eq!(admin.get("users-by-email?email=ann%40acme.test").expect(200).json(), json!([ann]));
    let hashes = world.database("SHARED").query("select user_id from passwords");
    assert_eq!(hashes.len(), 2, "the administrator's and Ann's");
    admin.get(&format!("users/{}", segment(id))).expect(404);
}

#[test]
fn another_tenants_connections_are_not_there() {
    let world = World::new();
    let (main, acme) = (world.admin(""), beside(&world, "acme"));
    let ours = google(&main);
    let before = contents(&world);
    acme.get(&url(&ours)).expect(404);
    acme.patch(&url(&ours), &json!({ "options": { "client_secret": "theirs" } })).expect(404);
    acme.delete(&url(&ours)).expect(204);
    assert_eq!(acme.get("connections").expect(200).json().as_array().unwrap().len(), 1);
    acme.post("users", &json!({ "connection": "google", "email": "a@b.test" })).expect(400);
    assert!(contents(&world) == before);
}

#[test]
fn a_secret_in_a_list_of_lists_is_not_shown() {
    let world = World::new();
    let options = json!({ "a": [[{ "client_secret": "hidden-away", "x": 1 }]] });
    let made = world
        .admin("")
        .post("connections", &json!({ "name": "deep", "strategy": "oidc", "options": options }));
    let made = made.expect(201).json();
    assert_eq!(made["options"], json!({ "a": [[{ "x": 1 }]] }));
    assert!(!contents(&world).contains("hidden-away"), "it is sealed");
}

/// Any JSON, with secrets at any depth.
fn options() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![Just(json!(null)), Just(json!(true)), "[a-z]{0,5}".prop_map(Json::from)];
    let value = leaf.prop_recursive(3, 20, 4, |inner| {
        let name = prop::sample::select(vec!["client_secret", "app_secret", "private_key", "realm", "x"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map(name.prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("client_secret|app_secret|a|b", value, 0..4)
        .prop_map(|map| Json::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(crate::support::properties())]

    #[test]
    fn no_options_show_a_secret(options in options()) {
        let mut options = options.as_object().unwrap().clone();
        hide(&mut options);
        let shown = serde_json::to_string(&options).unwrap();
        for name in ["client_secret", "app_secret", "private_key"] {
            prop_assert!(!shown.contains(name), "{}", shown);
        }
    }
}
