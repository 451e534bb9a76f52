//! Chunks: whole or not at all, again without effect, refused with the row and the column at fault.

use super::{ask, begin, everything::one_of_everything, finish, held, send};
use crate::support::{Answer, Ask, World};
use gatehouse::http::Method;
use serde_json::{Value as Json, json};

pub fn acme() -> World {
    let world = World::new();
    world.tenant("acme");
    world
}

fn user(number: usize) -> Json {
    json!({ "user_id": format!("auth0|{number}"), "provider": "auth0", "connection": "Username-Password-Authentication",
        "email": format!("person{number}@example.com"), "email_verified": true, "phone_verified": false, "profile": {},
        "user_metadata": {}, "app_metadata": { "plan": "pro" }, "blocked": false, "created_at": number, "updated_at": 2 })
}

fn users(numbers: std::ops::Range<usize>) -> Vec<Json> {
    numbers.map(user).collect()
}

pub fn with(mut record: Json, name: &str, value: Json) -> Json {
    record[name] = value;
    record
}

pub fn contents(world: &World) -> String {
    let rows = world.home("acme").contents("acme");
    let kept = |line: &&str| !["imports:", "import_checkpoints:"].iter().any(|table| line.starts_with(table));
    rows.lines().filter(kept).collect::<Vec<_>>().join("\n")
}

fn detail<'a>(answer: &'a Json, name: &str) -> &'a str {
    answer["detail"][name].as_str().unwrap_or_default()
}

#[test]
fn the_same_chunk_again_changes_nothing_and_a_gap_is_told_where_to_go_on() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    send(&world, "acme", "users", 0, &users(0..3)).expect(200);
    let before = contents(&world);
    let again = send(&world, "acme", "users", 0, &users(0..3)).expect(200).json();
    assert_eq!(again, json!({ "table": "users", "taken": 3 }));
    assert!(contents(&world) == before);
    // An overlap is stored once, and the checkpoint never goes back.
    assert_eq!(send(&world, "acme", "users", 2, &users(2..5)).expect(200).json()["taken"], 5);
    assert_eq!(send(&world, "acme", "users", 0, &users(0..2)).expect(200).json()["taken"], 5);
    let gap = send(&world, "acme", "users", 7, &users(7..8)).expect(409).json();
    assert_eq!((&gap["errorCode"], &gap["detail"]["taken"]), (&json!("chunk_gap"), &json!(5)));
    assert_eq!(held(&world, "acme", "users").0, 5);
    // Whoever begins again goes on where it was left.
    let resumed = begin(&world, "acme", false).expect(200).json();
    assert_eq!(resumed["taken"], json!({ "users": 5 }));
    let other = json!({ "source": "authhero", "tenant": "globex" });
    let other = ask(&world, Method::POST, "acme", "", &other).expect(409).json();
    assert_eq!(other["errorCode"], "import_open");
}

#[test]
fn a_chunk_with_one_bad_record_leaves_nothing_and_names_it() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    let before = contents(&world);
    let refused = |table: &str, records: &[Json]| {
        let answer = send(&world, "acme", table, 0, records).expect(400).json();
        assert_eq!(answer["errorCode"], "invalid_record", "{answer}");
        assert!(contents(&world) == before);
        answer
    };
    let two = |bad: Json| [user(0), bad];
    let answer = refused("users", &two(with(user(1), "email", json!("no address"))));
    assert_eq!(
        (detail(&answer, "table"), detail(&answer, "key"), detail(&answer, "column")),
        ("users", "auth0|1", "email")
    );
    assert_eq!(answer["detail"]["index"], 1);
    assert!(answer["message"].as_str().unwrap().starts_with("users [auth0|1] email: "), "{answer}");
    for (column, value) in [
        ("emial", json!("a@example.com")),
        ("email", json!("A@example.com")),
        ("email", json!(7)),
        ("email_verified", json!(1)),
        ("email_verified", Json::Null),
        ("created_at", json!("2026-01-01")),
        ("created_at", json!(-1)),
        ("created_at", json!(1_i64 << 54)),
        ("profile", json!({ "email": "b@example.com" })),
        ("profile", json!({ "unknown": 1 })),
        ("app_metadata", json!([])),
        ("user_metadata", json!({ "a": "\u{0}" })),
        ("user_id", json!("nobody")),
        ("provider", json!("google")),
        ("linked_to", json!("auth0|1")),
        ("username", json!("a@example.com")),
        ("picture", json!("javascript:alert(1)")),
        ("name", json!("x".repeat(5000))),
    ] {
        let answer = refused("users", &two(with(user(1), column, value)));
        assert_eq!(detail(&answer, "column"), column, "{answer}");
    }
}

#[test]
fn the_rules_of_the_management_api_hold_for_what_is_imported() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    let everything = one_of_everything();
    let good = |name: &str| everything.iter().find(|(table, _)| *table == name).unwrap().1.clone();
    for (table, column, value, blamed) in [
        ("settings", "document", json!({ "session_lifetime": 0 }), "document"),
        ("settings", "document", json!({ "unknown": true }), "document"),
        ("connections", "name", json!("a name"), "name"),
        ("connections", "strategy", json!("unknown"), "strategy"),
        ("connections", "document", json!({ "options": { "passwordPolicy": "x" } }), "document"),
        ("clients", "document", json!({ "callbacks": ["javascript:alert(1)"] }), "document"),
        ("clients", "document", json!({ "callbacks": ["http://app.example/"] }), "document"),
        ("clients", "document", json!({ "client_secret": "x" }), "document"),
        ("clients", "document", json!({ "token_endpoint_auth_method": "none" }), "client_secret"),
        ("clients", "name", json!("<b>"), "name"),
        ("resource_servers", "identifier", json!("with space"), "identifier"),
        ("resource_servers", "document", json!({ "token_lifetime": 9_999_999 }), "document"),
        ("client_grants", "scope", json!(["a", "a"]), "scope"),
        ("roles", "name", json!("r".repeat(51)), "name"),
        ("organizations", "name", json!("Upper"), "name"),
        ("passwords", "hash", json!("secret"), "hash"),
        ("passwords", "hash", json!("$2b$20$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe"), "hash"),
        ("authentication_methods", "secret", json!("not base32!"), "secret"),
        ("authentication_methods", "type", json!("telepathy"), "type"),
        ("custom_domains", "domain", json!("acme.localhost"), "domain"),
        ("custom_domains", "domain", json!("localhost"), "domain"),
        ("custom_domains", "domain", json!("Upper.example"), "domain"),
        ("custom_domains", "status", json!("verified"), "status"),
        ("sessions", "digest", json!("s1"), "digest"),
        ("refresh_tokens", "digest", json!("the token itself"), "digest"),
        ("refresh_tokens", "lookup", json!("a.b"), "lookup"),
        ("logs", "id", json!("zzz"), "id"),
        ("extensions", "kind", json!("rule"), "kind"),
        ("email_providers", "default_from_address", json!("nobody"), "default_from_address"),
    ] {
        let answer =
            send(&world, "acme", table, 0, &[with(good(table), column, value.clone())]).expect(400).json();
        assert_eq!(detail(&answer, "column"), blamed, "{table} {column} {value}: {answer}");
    }
}

#[test]
fn rows_in_each_others_way_are_named() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    let refused = |records: &[Json]| {
        let answer = send(&world, "acme", "users", 0, records).expect(409).json();
        assert_eq!(answer["errorCode"], "duplicate_record", "{answer}");
        (detail(&answer, "key").to_owned(), detail(&answer, "column").to_owned())
    };
    let twin = || with(user(2), "email", json!("person1@example.com"));
    assert_eq!(refused(&[user(1), user(1)]), ("auth0|1".to_owned(), String::new()));
    assert_eq!(refused(&[user(1), twin()]), ("auth0|2".to_owned(), "email".to_owned()));
    assert_eq!(held(&world, "acme", "users").0, 0);
    send(&world, "acme", "users", 0, &[user(1)]).expect(200);
    let answer = send(&world, "acme", "users", 1, &[user(3), twin()]).expect(409).json();
    assert_eq!((detail(&answer, "key"), detail(&answer, "column")), ("auth0|2", "email"));
    assert_eq!(answer["detail"]["index"], 1);
    assert_eq!(held(&world, "acme", "users").0, 1);
}

#[test]
fn two_secrets_that_are_the_same_are_a_refusal_too() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    let (_, invitation) =
        one_of_everything().into_iter().find(|(table, _)| *table == "organization_invitations").unwrap();
    let twin = with(invitation.clone(), "id", json!("inv_2"));
    let answer = send(&world, "acme", "organization_invitations", 0, &[invitation, twin]).expect(409);
    assert_eq!(answer.json()["errorCode"], "duplicate_record");
    assert!(!answer.text().contains("SECRET"));
}

#[test]
fn a_tenant_serves_nobody_until_it_is_whole() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(403);
    send(&world, "acme", "users", 0, &users(0..2)).expect(200);
    let password = json!({ "user_id": "auth0|9", "hash": "$2b$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe", "changed_at": 1 });
    send(&world, "acme", "passwords", 0, &[password]).expect(200);
    let answer = finish(&world, "acme", &json!({ "users": 3 })).expect(409).json();
    assert_eq!(answer["errorCode"], "import_incomplete");
    let problems = answer["detail"]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{answer}");
    assert_eq!((&problems[0]["table"], &problems[0]["key"]), (&json!("users"), &json!("")));
    assert_eq!(
        (&problems[1]["table"], &problems[1]["key"], &problems[1]["column"]),
        (&json!("passwords"), &json!("auth0|9"), &json!("user_id"))
    );
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(403);
    send(&world, "acme", "users", 2, &[user(9)]).expect(200);
    let done = finish(&world, "acme", &json!({ "users": 3 })).expect(200).json();
    assert_eq!(done["status"], "finished");
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
    assert_eq!(
        finish(&world, "acme", &json!({})).expect(200).json()["id"],
        done["id"],
        "again without effect"
    );
    assert_eq!(
        send(&world, "acme", "users", 3, &[user(10)]).expect(409).json()["errorCode"],
        "import_not_open"
    );
}

#[test]
fn a_discarded_import_leaves_the_tenant_as_it_was_born() {
    let world = acme();
    let shape = |world: &World| {
        let rows = |table: &str| {
            world.home("acme").query(&format!("select * from {table} where tenant_id = 'acme'")).len()
        };
        [
            "users",
            "clients",
            "connections",
            "resource_servers",
            "settings",
            "signing_keys",
            "roles",
            "import_checkpoints",
        ]
        .map(rows)
    };
    let born = shape(&world);
    begin(&world, "acme", false).expect(201);
    for (table, record) in one_of_everything() {
        send(&world, "acme", table, 0, &[record]).expect(200);
    }
    send(&world, "acme", "users", 1, &users(2..400)).expect(200);
    ask(&world, Method::DELETE, "acme", "", &json!({})).expect(204);
    assert_eq!(shape(&world), born);
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
    assert_eq!(ask(&world, Method::GET, "acme", "", &json!({})).expect(200).json()["status"], "discarded");
    ask(&world, Method::DELETE, "acme", "", &json!({})).expect(409);
    begin(&world, "acme", false).expect(201);
}

#[test]
fn a_tenant_in_use_keeps_what_it_has() {
    let world = acme();
    let new = json!({ "connection": "Username-Password-Authentication", "email": "person1@example.com", "user_id": "1" });
    let admin = world.machine_token("");
    let post = Ask::post("", "/api/v2/users").header("tenant-id", "acme").bearer(&admin).json(&new);
    world.send(post).expect(201);
    assert_eq!(begin(&world, "acme", false).expect(409).json()["errorCode"], "tenant_in_use");
    begin(&world, "acme", true).expect(201);
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
    let before = contents(&world);
    // The same id, and the same address.
    for twin in [user(1), with(user(2), "email", json!("person1@example.com"))] {
        assert_eq!(
            send(&world, "acme", "users", 0, &[twin]).expect(409).json()["errorCode"],
            "duplicate_record"
        );
    }
    let settings = json!({ "document": {}, "updated_at": 1 });
    send(&world, "acme", "settings", 0, &[settings]).expect(409);
    assert!(contents(&world) == before);
    send(&world, "acme", "users", 0, &[user(3)]).expect(200);
    send(&world, "acme", "users", 0, &[user(3)]).expect(200);
    assert_eq!(
        ask(&world, Method::DELETE, "acme", "", &json!({})).expect(409).json()["errorCode"],
        "import_live"
    );
    finish(&world, "acme", &json!({})).expect(200);
}

/// What is discarded takes all there is with it, so there must be nothing else.
#[test]
fn a_tenant_with_anything_of_its_own_is_in_use() {
    for (path, body) in [
        ("roles", json!({ "name": "Reader" })),
        ("organizations", json!({ "name": "team" })),
        ("connections", json!({ "name": "second", "strategy": "auth0" })),
        ("clients", json!({ "name": "App" })),
        ("resource-servers", json!({ "identifier": "https://api.example" })),
    ] {
        let world = acme();
        let ask = Ask::post("", &format!("/api/v2/{path}")).header("tenant-id", "acme");
        assert!(world.send(ask.bearer(&world.machine_token("")).json(&body)).status() < 300);
        assert_eq!(begin(&world, "acme", false).expect(409).json()["errorCode"], "tenant_in_use", "{path}");
    }
}

#[test]
fn only_who_has_the_scope_and_may_do_everything_imports_into_a_tenant_that_serves() {
    let world = acme();
    let import = |token: &str, tenant: &str| -> Answer {
        let body = json!({ "source": "authhero", "tenant": "control_plane", "live": true });
        world.send(Ask::post("", &format!("/management/tenants/{tenant}/import")).bearer(token).json(&body))
    };
    let of = |claims: Json| world.signed("main", &claims);
    import(&of(json!({ "scope": "create:tenants update:tenants" })), "acme").expect(403);
    import(&of(json!({ "scope": "import:tenants", "org_id": "org_1" })), "acme").expect(403);
    import(&world.signed("acme", &json!({ "scope": "import:tenants" })), "acme").expect(403);
    world
        .send(Ask::post("acme", "/management/tenants/acme/import").bearer(&world.machine_token("")))
        .expect(404);
    import(&of(json!({ "scope": "import:tenants" })), "main").expect(403);
    import(&of(json!({ "scope": "import:tenants tenants:all" })), "main").expect(403);
    import(&of(json!({ "scope": "import:tenants" })), "acme").expect(403);
    import(&world.machine_token(""), "acme").expect(201);
    import(&world.machine_token(""), "main").expect(201);
    import(&world.machine_token(""), "nobody").expect(404);
    // The organization of a tenant makes whoever is in it an administrator of that tenant.
    let organization =
        json!({ "id": "org_x", "name": "globex", "document": {}, "created_at": 1, "updated_at": 1 });
    let answer = send(&world, "main", "organizations", 0, &[organization]).expect(400).json();
    assert_eq!(detail(&answer, "column"), "name");
}

#[test]
fn a_request_that_makes_no_sense_is_told_why() {
    let world = acme();
    send(&world, "acme", "users", 0, &[user(1)]).expect(409);
    finish(&world, "acme", &json!({})).expect(409);
    ask(&world, Method::GET, "acme", "", &json!({})).expect(404);
    ask(&world, Method::POST, "acme", "", &json!({ "source": "authhero" })).expect(400);
    ask(&world, Method::POST, "acme", "", &json!({ "source": "", "tenant": "a" })).expect(400);
    ask(&world, Method::POST, "main", "", &json!({ "source": "authhero", "tenant": "a" })).expect(400);
    begin(&world, "acme", false).expect(201);
    send(&world, "acme", "secrets", 0, &[]).expect(400);
    send(&world, "acme", "users", 0, &users(0..501)).expect(400);
    finish(&world, "acme", &json!({ "secrets": 1 })).expect(400);
    ask(&world, Method::POST, "acme", "/records", &json!({ "table": "users", "from": -1, "records": [] }))
        .expect(400);
    ask(&world, Method::GET, "acme", "/tables/users?after=x", &json!({})).expect(400);
    ask(&world, Method::GET, "acme", "/tables/secrets", &json!({})).expect(400);
}

#[test]
fn a_domain_is_served_only_if_the_operator_vouches_for_it_and_nobody_else_has_it() {
    let world = acme();
    world.tenant("globex");
    let domain = |id: &str, domain: &str, status: &str| json!({ "id": id, "domain": domain, "is_primary": false, "status": status, "document": {}, "created_at": 1, "updated_at": 1 });
    begin(&world, "acme", false).expect(201);
    let two = [domain("1", "login.acme.example", "ready"), domain("2", "other.acme.example", "pending")];
    send(&world, "acme", "custom_domains", 0, &two).expect(200);
    finish(&world, "acme", &json!({})).expect(200);
    world.send(Ask::get("login.acme.example", "/.well-known/jwks.json")).expect(200);
    world.send(Ask::get("other.acme.example", "/.well-known/jwks.json")).expect(404);
    begin(&world, "globex", false).expect(201);
    send(&world, "globex", "custom_domains", 0, &[domain("1", "login.acme.example", "ready")]).expect(200);
    assert_eq!(finish(&world, "globex", &json!({})).expect(409).json()["errorCode"], "host_taken");
    let hosts =
        world.database("DIRECTORY").query("select tenant_id from hosts where host = 'login.acme.example'");
    assert_eq!(hosts[0]["tenant_id"], "acme");
}
