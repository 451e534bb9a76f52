//! Everything of a tenant is bounded: rows by kind, bytes of a document, bytes that every snapshot reads.

use super::{declarations::sample, files, inhabitants::segment, name, text};
use crate::support::{
    Admin, Answer, Ask, World,
    gate::{Effect, Fate},
};
use gatehouse::{
    db::quota::{QUOTAS, SNAPSHOT, TEXT},
    http::Method,
    resources::{RESOURCES, branding::THEMES},
    time::Lifetime,
};
use serde_json::{Value as Json, json};
use std::{
    cell::Cell,
    task::{Context, Poll, Waker},
};

/// Tables that requests add rows to and that no quota counts, and why they are bounded all the same.
const UNCOUNTED: [(&str, &str); 16] = [
    ("users", "what a tenant is for; who makes them is limited by rate"),
    ("passwords", "one for a user"),
    ("grants", "one for a user, a client and an API"),
    ("sessions", "end by time, and are swept"),
    ("refresh_tokens", "end by time, and are swept"),
    ("codes", "end by time, and are swept"),
    ("login_attempts", "end by time, and are swept"),
    ("spent_factors", "one step of a method at a time; recovery codes are as many as were made"),
    ("logs", "kept by age and number: see the sweeps"),
    ("log_blocks", "go with the entries that they seal"),
    ("settings", "one row"),
    ("attack_protection", "one row"),
    ("branding", "one row"),
    ("email_templates", "one for each mail that there is"),
    ("change_guard", "stores nothing"),
    ("quota_guard", "stores nothing"),
];

/// The tables that SQL adds rows to and for which nothing says how many there may be.
fn unbounded(source: &str) -> Vec<String> {
    let tables = source
        .split("insert into ")
        .skip(1)
        .map(|rest| rest.split([' ', '(', '"', '`']).next().unwrap_or_default());
    tables
        .filter(|table| !table.starts_with(['{', '$']))
        .filter(|table| !is_bounded(table))
        .map(str::to_owned)
        .collect()
}

fn is_bounded(table: &str) -> bool {
    QUOTAS.iter().any(|quota| quota.table == table) || UNCOUNTED.iter().any(|(known, _)| *known == table)
}

#[test]
fn every_table_that_requests_add_to_is_bounded_or_says_why_not() {
    for resource in RESOURCES {
        assert!(is_bounded(resource.table), "nothing bounds {}: give it a quota or a reason", resource.table);
    }
    for path in files("src").iter().filter(|path| {
        let name = name(path);
        let folders = ["src/resources/", "src/oauth/", "src/login/", "src/access/", "src/events/"];
        name.ends_with("store.rs") && folders.iter().any(|folder| name.starts_with(folder))
    }) {
        // What the directory keeps is no tenant's.
        let found: Vec<_> =
            unbounded(&text(path)).into_iter().filter(|table| table != "spent_codes").collect();
        assert!(found.is_empty(), "{}: nothing bounds {found:?}: give each a quota or a reason", name(path));
    }
    assert_eq!(
        unbounded("insert into gadgets (tenant_id, id) values (?1, ?2)"),
        ["gadgets"],
        "a planted one is found"
    );
}

/// A tenant in an installation with this quota, and who manages it.
fn bounded(quotas: &str) -> World {
    let quotas = quotas.to_owned();
    let world = World::with(&["DIRECTORY", "SHARED", "POOL_01", "POOL_02"], move |name| {
        (name == "QUOTAS").then(|| quotas.clone())
    });
    world.admin("").post("tenants", &json!({ "id": "acme", "placement": "shared" })).expect(201);
    world
}

/// A request that adds one more row to a table of `acme`; what it needs is made before.
fn adds(admin: &Admin<'_>, table: &str, number: usize) -> (String, Json) {
    let made = |path: &str, body: Json| {
        let answer = admin.post(path, &body);
        assert!(answer.status() < 300, "{path}: {}", answer.text());
        let shown = answer.json();
        ["id", "client_id", "user_id", "themeId"]
            .iter()
            .find_map(|name| shown[name].as_str())
            .unwrap()
            .to_owned()
    };
    // Made once, found again by its name.
    let scopes: Vec<Json> = (0..9).map(|number| json!({ "value": format!("p{number}") })).collect();
    let api = json!({ "identifier": "https://api.example", "scopes": scopes });
    let permission = json!({ "permissions": [
        { "resource_server_identifier": "https://api.example", "permission_name": format!("p{number}") }] });
    let user = |label: &str| {
        made(
            "users",
            json!({ "connection": "Username-Password-Authentication", "email": format!("{label}@a.example") }),
        )
    };
    let one = |list: &str, key: &str| {
        admin
            .get(list)
            .expect(200)
            .json()
            .as_array()
            .and_then(|found| found.last().cloned())
            .map(|found| segment(found[key].as_str().unwrap()))
    };
    let the_user = || one("users", "user_id").unwrap_or_else(|| segment(&user("one")));
    match table {
        "clients" => ("clients".to_owned(), json!({ "name": format!("Client {number}") })),
        "client_grants" => {
            drop(admin.post("resource-servers", &api));
            let client = made("clients", json!({ "name": "Machine", "app_type": "non_interactive" }));
            (
                "client-grants".to_owned(),
                json!({ "client_id": client, "audience": "https://api.example", "scope": [] }),
            )
        }
        "connections" => {
            ("connections".to_owned(), json!({ "name": format!("c{number}"), "strategy": "auth0" }))
        }
        "resource_servers" => {
            ("resource-servers".to_owned(), json!({ "identifier": format!("https://{number}.example") }))
        }
        "organizations" => ("organizations".to_owned(), json!({ "name": format!("o{number}") })),
        "organization_members" => {
            let organization = one("organizations", "id")
                .unwrap_or_else(|| made("organizations", json!({ "name": "team" })));
            (
                format!("organizations/{organization}/members"),
                json!({ "members": [user(&format!("u{number}"))] }),
            )
        }
        "organization_client_grants" => {
            drop(admin.post("resource-servers", &api));
            let organization = one("organizations", "id")
                .unwrap_or_else(|| made("organizations", json!({ "name": "team" })));
            let client = made("clients", json!({ "name": "Machine", "app_type": "non_interactive" }));
            let grant = json!({ "client_id": client, "audience": "https://api.example", "scope": [],
                "organization_usage": "allow" });
            (
                format!("organizations/{organization}/client-grants"),
                json!({ "grant_id": made("client-grants", grant) }),
            )
        }
        "organization_connections" => {
            let organization = one("organizations", "id")
                .unwrap_or_else(|| made("organizations", json!({ "name": "team" })));
            let connection = json!({ "name": format!("c{number}"), "strategy": "auth0" });
            (
                format!("organizations/{organization}/enabled_connections"),
                json!({ "connection_id": made("connections", connection) }),
            )
        }
        "extensions" => ("forms".to_owned(), json!({ "name": format!("f{number}") })),
        "themes" => {
            let required = THEMES.fields.iter().filter(|field| field.required);
            let body: Json =
                required.map(|field| (field.member.name.to_owned(), sample(field.member.kind))).collect();
            ("branding/themes".to_owned(), body)
        }
        "roles" => ("roles".to_owned(), json!({ "name": format!("r{number}") })),
        "role_permissions" => {
            drop(admin.post("resource-servers", &api));
            let role = one("roles", "id").unwrap_or_else(|| made("roles", json!({ "name": "role" })));
            (format!("roles/{role}/permissions"), permission)
        }
        "user_roles" => {
            let role = made("roles", json!({ "name": format!("role{number}") }));
            (format!("users/{}/roles", the_user()), json!({ "roles": [role] }))
        }
        "user_permissions" => {
            drop(admin.post("resource-servers", &api));
            (format!("users/{}/permissions", the_user()), permission)
        }
        "data_keys" => ("keys/encryption/rekey".to_owned(), json!({})),
        "signing_keys" => ("keys/signing/rotate".to_owned(), json!({})),
        table => panic!("{table}: say here how one more comes to be"),
    }
}

/// What a tenant has more than it may have.
fn surplus(world: &World, table: &str, per: &[&str], most: i64) -> Vec<Json> {
    let by = ["tenant_id"].iter().chain(per).copied().collect::<Vec<_>>().join(", ");
    let counts = world.database("SHARED").query(&format!(
        "select count(*) as found from {table} where tenant_id = 'acme' group by {by} having count(*) > {most}"
    ));
    counts.into_iter().map(Json::from).collect()
}

/// Two requests, of which the second one does everything just before the first one writes.
fn at_once(world: &World, first: Ask, second: Ask) -> [Answer; 2] {
    let left = Cell::new(true);
    *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        if effect == Effect::Commit && !happened && left.replace(false) { Fate::Pause } else { Fate::Go }
    }));
    let mut slow = std::pin::pin!(world.app.handle(first.into_request()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(slow.as_mut().poll(&mut context).is_pending());
    let quick = world.send(second);
    let slow = loop {
        if let Poll::Ready(response) = slow.as_mut().poll(&mut context) {
            break Answer(response);
        }
    };
    *world.outside.gate.rule.borrow_mut() = None;
    [slow, quick]
}

#[test]
fn no_number_of_requests_passes_a_quota() {
    for quota in QUOTAS {
        let most = 4;
        let world = bounded(&format!("{}={most}", quota.table));
        let token = world.machine_token("");
        let admin = world.holder("acme", &token);
        let ask = |number: usize| {
            let (path, body) = adds(&admin, quota.table, number);
            Ask::new(Method::POST, "acme", &format!("/api/v2/{path}")).bearer(&token).json(&body)
        };
        // Two at a time, until both are refused.
        let (mut refused, mut number) = (Vec::new(), 0);
        while refused.len() < 2 {
            assert!(number < 8, "{}: nothing is refused", quota.table);
            let (first, second) = (ask(number), ask(number + 1));
            let answers = at_once(&world, first, second);
            refused = answers.into_iter().filter(|answer| answer.status() >= 300).collect();
            number += 2;
        }
        for answer in refused {
            let refusal = answer.expect(403).json();
            assert_eq!(refusal["errorCode"], "too_many_entities", "{}", quota.table);
            assert!(
                refusal["message"].as_str().unwrap().contains(&format!("{most} {}", quota.noun)),
                "{refusal}"
            );
        }
        assert!(surplus(&world, quota.table, quota.per, most).is_empty(), "{}", quota.table);
        assert!(
            !surplus(&world, quota.table, quota.per, most - 1).is_empty(),
            "{}: what may be there is",
            quota.table
        );
        let refusals = world.outside.log.borrow().iter().filter(|line| line.starts_with("Error")).count();
        assert_eq!(refusals, 0, "a refusal is no fault of ours: {:?}", world.outside.log.borrow());
    }
}

#[test]
fn a_row_too_many_is_found() {
    let world = bounded("roles=2");
    for number in 0..3 {
        world.database("SHARED").query(&format!(
            "insert into roles (tenant_id, id, name, created_at, updated_at) values ('acme', 'r{number}', 'r{number}', 1, 1)"
        ));
    }
    assert!(!surplus(&world, "roles", &[], 2).is_empty());
}

#[test]
fn an_operator_says_more_or_less_and_nothing_else() {
    for wrong in ["clients", "clients=", "clients=0", "clients=-1", "clients=many", "gadgets=3"] {
        let fault = gatehouse::db::Quotas::parse(wrong).unwrap_err();
        assert!(fault.detail.contains("organization_members"), "{wrong}: {}", fault.detail);
    }
    assert!(gatehouse::db::Quotas::parse("").is_ok());
    assert!(gatehouse::db::Quotas::parse("clients=3, snapshot=9").is_ok());
}

#[test]
fn a_document_is_bounded_and_so_is_what_is_merged_into_one() {
    let world = bounded("");
    let token = world.machine_token("");
    let admin = world.holder("acme", &token);
    let long = |bytes: usize| "x".repeat(bytes);
    admin
        .post("connections", &json!({ "name": "big", "strategy": "auth0", "metadata": { "a": long(TEXT) } }))
        .expect(413);
    admin.post("clients", &json!({ "name": "big", "addons": { "a": long(TEXT) } })).expect(413);
    let user = json!({ "connection": "Username-Password-Authentication", "email": "a@a.example" });
    let user = admin.post("users", &user).expect(200 + 1).json();
    let path = format!("users/{}", segment(user["user_id"].as_str().unwrap()));
    admin.patch(&path, &json!({ "user_metadata": { "a": long(TEXT) } })).expect(413);
    admin.patch(&path, &json!({ "user_metadata": { "a": long(40_000) } })).expect(200);
    admin.patch(&path, &json!({ "user_metadata": { "b": long(40_000) } })).expect(403);
    let shown = admin.get(&path).expect(200).json();
    assert!(shown["user_metadata"]["b"].is_null() && shown["user_metadata"]["a"].is_string());
    admin.patch(&path, &json!({ "user_metadata": { "a": null, "b": long(40_000) } })).expect(200);
}

/// What every snapshot of a tenant reads is bounded, so that whoever shares an isolate with it does not wait for it; and what
/// another tenant's request reads does not depend on it at all.
#[test]
fn one_tenants_configuration_is_no_other_tenants_burden() {
    let world = bounded("");
    world.admin("").post("tenants", &json!({ "id": "beside", "placement": "shared" })).expect(201);
    let cost = || {
        world.advance(Lifetime::seconds(6));
        world
            .send(Ask::get("beside", "/.well-known/jwks.json"))
            .expect(200)
            .header("x-gatehouse-d1")
            .unwrap()
            .to_owned()
    };
    let (before, token) = (cost(), world.machine_token(""));
    let admin = world.holder("acme", &token);
    let scope = |number: usize| json!({ "value": format!("s{number}"), "description": "x".repeat(270) });
    let scopes: Vec<Json> = (0..195).map(scope).collect();
    let mut made = 0;
    let refusal = loop {
        let body = match made % 2 {
            0 => (
                "connections",
                json!({ "name": format!("c{made}"), "strategy": "auth0", "metadata": { "a": "x".repeat(60_000) } }),
            ),
            _ => ("resource-servers", json!({ "identifier": format!("urn:{made}"), "scopes": scopes })),
        };
        let answer = admin.post(body.0, &body.1);
        if answer.status() != 201 {
            break answer;
        }
        made += 1;
    };
    assert!((7..9).contains(&made), "{made}");
    assert_eq!(refusal.expect(403).json()["errorCode"], "too_many_entities");
    let bytes = world.database("SHARED").query(
        "select sum(length(document)) as found from (select document from connections where tenant_id = 'acme'
         union all select document from resource_servers where tenant_id = 'acme')",
    );
    assert!(bytes[0]["found"].as_i64().unwrap() <= SNAPSHOT);
    assert_eq!(cost(), before);
    // What is there can be changed and removed, and then there is room again.
    let last = admin.get("connections").expect(200).json();
    let id = last.as_array().unwrap().iter().find(|found| found["name"] == "c0").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    admin.patch(&format!("connections/{id}"), &json!({ "metadata": {} })).expect(200);
    admin
        .post(
            "connections",
            &json!({ "name": "more", "strategy": "auth0", "metadata": { "a": "x".repeat(50_000) } }),
        )
        .expect(201);
}

/// Metadata that a list does not answer is not read: here it could not even be read.
#[test]
fn a_list_reads_what_it_answers() {
    let world = bounded("");
    let token = world.machine_token("");
    let admin = world.holder("acme", &token);
    let user = json!({ "connection": "Username-Password-Authentication", "email": "a@a.example" });
    admin.post("users", &user).expect(201);
    world.database("SHARED").query("update users set app_metadata = '{' where tenant_id = 'acme'");
    assert_eq!(admin.get("users").expect(200).json(), json!([]));
    let listed = admin.get("users?fields=email,user_metadata").expect(200).json();
    assert_eq!(listed, json!([{ "email": "a@a.example", "user_metadata": {} }]));
    let listed = admin.get("users?fields=app_metadata&include_fields=false").expect(200).json();
    assert!(listed[0]["app_metadata"].is_null() && listed[0]["email"] == "a@a.example");
}
