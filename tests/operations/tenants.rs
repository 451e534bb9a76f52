//! The tenants API: a tenant from its first request to its last.

use crate::support::{Answer, Ask, World};
use gatehouse::{http::Method, time::Lifetime};
use serde_json::{Value as Json, json};

fn create(world: &World, body: &Json) -> Answer {
    world.admin("").post("tenants", body)
}

fn events(world: &World, operation: &Json) -> Vec<String> {
    let id = operation["id"].as_str().unwrap();
    let token = world.machine_token("");
    let shown =
        world.send(Ask::get("", &format!("/management/operations/{id}")).bearer(&token)).expect(200).json();
    let text =
        |event: &Json| format!("{} {}", event["step"].as_str().unwrap(), event["outcome"].as_str().unwrap());
    shown["events"].as_array().unwrap().iter().map(text).collect()
}

fn discovers(world: &World, tenant: &str) -> u16 {
    world.send(Ask::get(tenant, "/.well-known/openid-configuration")).status()
}

#[test]
fn a_tenant_is_made_from_the_pool_and_serves_at_once() {
    let world = World::new();
    let made = create(&world, &json!({ "id": "acme", "friendly_name": "Acme Inc", "placement": "isolated" }));
    let tenant = made.expect(201).json();
    assert_eq!(tenant["status"], "active");
    assert_eq!(tenant["issuer"], "http://acme.localhost:8787/");
    assert_eq!(tenant["domain"], "acme.localhost:8787");
    assert_eq!(tenant["operation"]["status"], "succeeded");
    assert_eq!(tenant["operation"]["progress"], json!({ "step": 7, "of": 7 }));
    let happened = ["reserve", "database", "migrate", "verify", "seed", "organization", "activate"];
    assert_eq!(events(&world, &tenant["operation"]), happened.map(|step| format!("{step} succeeded")));
    assert_eq!(discovers(&world, "acme"), 200);
    assert!(world.database("POOL_01").contents("acme").contains("Acme Inc"));
    assert!(!world.database("SHARED").contents("acme").contains("Acme Inc"));

    let organization = world.admin("").get("organizations/name/acme").expect(200).json();
    assert_eq!(organization["display_name"], "Acme Inc");
}

#[test]
fn a_tenant_in_the_shared_database_takes_the_same_way() {
    let world = World::new();
    let tenant = create(&world, &json!({ "id": "acme" })).expect(201).json();
    assert_eq!(tenant["placement"], "shared");
    assert_eq!(tenant["friendly_name"], "acme");
    assert_eq!(tenant["operation"]["progress"], json!({ "step": 6, "of": 6 }));
    assert_eq!(discovers(&world, "acme"), 200);
}

#[test]
fn making_a_tenant_from_a_warm_pool_costs_few_round_trips() {
    let world = World::new();
    create(&world, &json!({ "id": "first" })).expect(201);
    world.tick();
    let token = world.machine_token("");
    let ask = Ask::post("", "/management/tenants").bearer(&token);
    let made = world.send(ask.json(&json!({ "id": "acme", "placement": "isolated" }))).expect(201);
    assert!(made.round_trips() <= 14, "{}", made.round_trips());
    assert_eq!(events(&world, &made.json()["operation"])[2], "migrate skipped");
}

#[test]
fn a_malformed_or_reserved_id_is_refused_with_the_rule_and_changes_nothing() {
    let world = World::new();
    let admin = world.admin("");
    admin.get("tenants").expect(200);
    let before = world.database("DIRECTORY").query("select id from tenants");
    for id in ["", "Acme", "-acme", "acme-", "a.b", "a_b", "ä", &"a".repeat(64), "a b", "acme\n"] {
        let refused = admin.post("tenants", &json!({ "id": id })).expect(400).json();
        assert!(refused["message"].as_str().unwrap().contains("1 to 63 of a-z"), "{id}");
    }
    for id in ["www", "api", "main", "auth", "xn--acme"] {
        let refused = admin.post("tenants", &json!({ "id": id })).expect(400).json();
        assert!(refused["message"].as_str().unwrap().contains("reserved"), "{id}");
    }
    for body in [
        json!({}),
        json!({ "id": 1 }),
        json!({ "id": "acme", "placement": "moon" }),
        json!({ "id": "acme", "friendly_name": " " }),
        json!({ "id": "acme", "friendly_name": "a".repeat(256) }),
        json!({ "id": "acme", "placement": "isolated", "region": "moon" }),
        json!({ "id": "acme", "placement": "isolated", "region": "weur" }),
        json!({ "id": "acme", "region": "weur" }),
        json!([]),
    ] {
        assert_eq!(admin.post("tenants", &body).expect(400).json()["errorCode"], "invalid_body", "{body}");
    }
    let token = world.machine_token("");
    world.send(Ask::post("", "/management/tenants").bearer(&token).body(b"id=acme")).expect(400);
    assert_eq!(world.database("DIRECTORY").query("select id from tenants"), before);
    assert_eq!(world.database("DIRECTORY").query("select id from operations").len(), 0);
}

#[test]
fn a_taken_id_is_a_conflict_and_leaves_the_tenant_as_it_is() {
    let world = World::new();
    create(&world, &json!({ "id": "acme", "friendly_name": "First" })).expect(201);
    let refused = create(&world, &json!({ "id": "acme", "friendly_name": "Second" })).expect(409).json();
    assert_eq!(refused["errorCode"], "tenant_conflict");
    assert_eq!(world.admin("").get("tenants/acme").expect(200).json()["friendly_name"], "First");
    assert_eq!(world.database("DIRECTORY").query("select id from operations").len(), 1);
}

#[test]
fn an_empty_pool_is_said_before_anything_is_reserved() {
    let world = World::with(&["DIRECTORY", "SHARED", "POOL_01"], |_| None);
    create(&world, &json!({ "id": "acme", "placement": "isolated" })).expect(201);
    let refused = create(&world, &json!({ "id": "globex", "placement": "isolated" })).expect(409).json();
    assert_eq!(refused["errorCode"], "pool_empty");
    world.admin("").get("tenants/globex").expect(404);
    world.add_database("POOL_02");
    world.tick();
    create(&world, &json!({ "id": "globex", "placement": "isolated" })).expect(201);
    assert_eq!(discovers(&world, "globex"), 200);
}

#[test]
fn a_deleted_tenant_leaves_no_row_and_its_database_returns_to_the_pool() {
    let world = World::with(&["DIRECTORY", "SHARED", "POOL_01"], |_| None);
    for (placement, binding) in [("isolated", "POOL_01"), ("shared", "SHARED")] {
        let id = format!("acme-{placement}");
        create(&world, &json!({ "id": id, "placement": placement })).expect(201);
        create(&world, &json!({ "id": format!("other-{placement}") })).expect(201);
        let other = world.database("SHARED").contents(&format!("other-{placement}"));
        assert_eq!(discovers(&world, &id), 200);

        assert_eq!(world.admin("").delete(&format!("tenants/{id}")).expect(204).text(), "");
        assert_eq!(discovers(&world, &id), 404);
        world.admin("").get(&format!("tenants/{id}")).expect(404);
        world.admin("").delete(&format!("tenants/{id}")).expect(404);
        world.admin("").get(&format!("organizations/name/{id}")).expect(404);
        let left = world.database(binding).contents(&id);
        assert!(
            left.lines()
                .filter(|line| !line.starts_with("fences") && !line.starts_with("moves"))
                .all(|line| line.ends_with("[]")),
            "{left}"
        );
        assert_eq!(world.database("SHARED").contents(&format!("other-{placement}")), other);
    }
    create(&world, &json!({ "id": "globex", "placement": "isolated" })).expect(201);
}

#[test]
fn the_name_of_a_deleted_tenant_is_held_and_then_given_a_life_of_its_own() {
    let world = World::new();
    create(&world, &json!({ "id": "acme" })).expect(201);
    world.admin("").delete("tenants/acme").expect(204);
    let refused = create(&world, &json!({ "id": "acme" })).expect(409).json();
    assert_eq!(refused["errorCode"], "tenant_on_hold");
    assert!(refused["message"].as_str().unwrap().contains("2027-02-14T08:00:00.000Z"));
    world.advance(Lifetime::days(30));
    create(&world, &json!({ "id": "acme" })).expect(201);
    assert_eq!(discovers(&world, "acme"), 200);
    let epoch = &world.database("DIRECTORY").query("select epoch from tenants where id = 'acme'")[0]["epoch"];
    assert_eq!(*epoch, 3);
}

#[test]
fn a_tenant_is_suspended_made_read_only_and_opened_again() {
    let world = World::new();
    create(&world, &json!({ "id": "acme" })).expect(201);
    let admin = world.admin("");
    assert_eq!(discovers(&world, "acme"), 200);
    assert_eq!(
        admin.patch("tenants/acme", &json!({ "status": "suspended" })).expect(200).json()["status"],
        "suspended"
    );
    assert_eq!(discovers(&world, "acme"), 403);
    admin.patch("tenants/acme", &json!({ "status": "read_only" })).expect(200);
    assert_eq!(discovers(&world, "acme"), 200);
    admin.patch("tenants/acme", &json!({ "status": "active", "friendly_name": "Acme Inc" })).expect(200);
    assert_eq!(admin.get("tenants/acme").expect(200).json()["friendly_name"], "Acme Inc");
    assert_eq!(admin.get("organizations/name/acme").expect(200).json()["display_name"], "Acme Inc");
}

#[test]
fn what_an_update_cannot_do_is_refused() {
    let world = World::new();
    create(&world, &json!({ "id": "acme" })).expect(201);
    let admin = world.admin("");
    for status in ["provisioning", "failed", "deleting", "deleted", "open"] {
        admin.patch("tenants/acme", &json!({ "status": status })).expect(400);
    }
    let refused = admin.patch("tenants/acme", &json!({ "placement": "isolated" })).expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("move"));
    admin.patch("tenants/nobody", &json!({ "friendly_name": "x" })).expect(404);
    for status in ["suspended", "read_only"] {
        admin.patch("tenants/main", &json!({ "status": status })).expect(403);
    }
    admin.delete("tenants/main").expect(403);
    admin.patch("tenants/main", &json!({ "friendly_name": "Control" })).expect(200);
}

#[test]
fn tenants_are_listed_by_page_and_by_state() {
    let world = World::new();
    for id in ["acme", "globex", "initech"] {
        create(&world, &json!({ "id": id })).expect(201);
    }
    let admin = world.admin("");
    admin.patch("tenants/globex", &json!({ "status": "suspended" })).expect(200);
    admin.delete("tenants/initech").expect(204);
    let ids = |list: &Json| -> Vec<String> {
        list.as_array().unwrap().iter().map(|tenant| tenant["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&admin.get("tenants").expect(200).json()), ["acme", "globex", "main"]);
    assert_eq!(ids(&admin.get("tenants?status=suspended").expect(200).json()), ["globex"]);
    assert_eq!(ids(&admin.get("tenants?status=deleted").expect(200).json()), ["initech"]);
    let page = admin.get("tenants?per_page=2&page=1&include_totals=true").expect(200).json();
    assert_eq!(ids(&page["tenants"]), ["main"]);
    assert_eq!((&page["total"], &page["length"], &page["start"]), (&json!(3), &json!(1), &json!(2)));
    for query in ["status=gone", "per_page=0", "per_page=101", "page=-1"] {
        admin.get(&format!("tenants?{query}")).expect(400);
    }
}

#[test]
fn the_operations_of_a_tenant_tell_its_life() {
    let world = World::new();
    create(&world, &json!({ "id": "acme" })).expect(201);
    world.advance(Lifetime::minutes(1));
    world.admin("").delete("tenants/acme").expect(204);
    let list = world.admin("").get("tenants/acme/operations").expect(200).json();
    assert_eq!(list["total"], 2);
    let kinds: Vec<&Json> =
        list["operations"].as_array().unwrap().iter().map(|operation| &operation["kind"]).collect();
    assert_eq!(kinds, ["delete", "provision"]);
    let deleted = &list["operations"][0];
    assert_eq!(
        events(&world, deleted),
        ["close", "withdraw", "archive", "wipe", "release"].map(|step| format!("{step} succeeded"))
    );
    world.admin("").get("tenants/nobody/operations").expect(404);
    let token = world.machine_token("");
    world.send(Ask::get("", "/management/operations/op_nothing").bearer(&token)).expect(404);
}

#[test]
fn only_the_base_domain_and_only_the_named_scope_open_the_tenants_api() {
    let world = World::new();
    create(&world, &json!({ "id": "acme" })).expect(201);
    let token = world.machine_token("");
    world.holder("acme", &token).get("tenants").expect(404);
    let none = world.machine_token("read:organizations");
    for (method, path) in [
        (Method::GET, "tenants"),
        (Method::POST, "tenants"),
        (Method::GET, "tenants/acme"),
        (Method::PATCH, "tenants/acme"),
        (Method::DELETE, "tenants/acme"),
        (Method::GET, "tenants/acme/operations"),
    ] {
        for prefix in ["/management/", "/api/v2/"] {
            let path = format!("{prefix}{path}");
            world.send(Ask::new(method.clone(), "", &path)).expect(401);
            world.send(Ask::new(method.clone(), "", &path).bearer(&none)).expect(403);
        }
    }
    assert_eq!(discovers(&world, "acme"), 200);
}
