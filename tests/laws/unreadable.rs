//! A row that cannot be read fails alone: the lists, the snapshot and the tenant beside it go on, and it can be deleted or
//! overwritten over the API.

use super::{
    files,
    inhabitants::{Inhabited, management},
    name, text,
};
use crate::support::{Ask, World};
use gatehouse::{http::Method, time::Lifetime};
use std::collections::BTreeSet;

/// The columns that hold JSON and are read as such when something is shown or a request is decided, and of which table.
/// What is put there must be read as nothing but itself.
const COLUMNS: [(&str, &str, &str); 12] = [
    ("clients", "client_id", "document"),
    ("connections", "id", "document"),
    ("resource_servers", "id", "document"),
    ("organizations", "id", "document"),
    ("client_grants", "id", "scope"),
    ("grants", "id", "scope"),
    ("signing_keys", "kid", "public_jwk"),
    ("sessions", "id", "clients"),
    ("users", "user_id", "profile"),
    ("users", "user_id", "user_metadata"),
    ("users", "user_id", "app_metadata"),
    ("logs", "id", "details"),
];

/// Columns that are JSON, but of no row of the tenant's own: made by the statement that reads them, or of tables that no
/// list shows.
const ELSEWHERE: [(&str, &str); 10] = [
    ("roles", "made by the statement"),
    ("reach", "made by the statement, of client grants"),
    ("known", "made by the statement"),
    ("linked", "made by the statement"),
    ("sources", "made by the statement"),
    ("factors", "made by the statement"),
    ("management_scope", "the scope of a client grant"),
    ("request", "a code: whoever presents it is refused"),
    ("amr", "a session: its person signs in again"),
    ("document", "also of the settings: see the snapshot"),
];

#[test]
fn every_column_that_is_read_as_json_is_in_the_table() {
    let mut known: BTreeSet<&str> = COLUMNS.iter().map(|(_, _, column)| *column).collect();
    known.extend(ELSEWHERE.iter().map(|(column, _)| *column));
    for path in files("src").iter().filter(|path| {
        let name = name(path);
        ["src/resources", "src/oauth", "src/login", "src/access"]
            .iter()
            .any(|folder| name.starts_with(folder))
    }) {
        let code = text(path);
        for call in ["row.json(\"", "row.object(\"", "row.json::<Jwk>(\"", "row.json::<CodeRequest>(\""] {
            for (at, _) in code.match_indices(call) {
                let column = code[at + call.len()..].split('"').next().unwrap();
                assert!(known.contains(column), "{}: say how {column} fails alone", name(path));
            }
        }
    }
}

fn poisons() -> [String; 3] {
    [
        "{".to_owned(),
        format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200)),
        "\"a text that nobody should see in a log\"".to_owned(),
    ]
}

/// What is wrong with how a tenant bears a row that cannot be read: paths that fail though they are about something else.
/// `reads` are paths that have answered 200 before, `names` what the row is called by in a path.
fn complaints(world: &World, tenant: &Inhabited<'_>, reads: &[String], names: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in reads {
        let answer = world.send(Ask::get(&tenant.host, path).bearer(&tenant.key));
        let own = path.split('/').any(|segment| names.iter().any(|name| name == segment));
        let says_so = answer.status() == 500 && answer.json()["errorCode"] == "unreadable";
        if !(answer.status() == 200 || own && (says_so || answer.status() == 404)) {
            wrong.push(format!("{path}: {} {}", answer.status(), answer.text()));
        }
    }
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/readyz"] {
        let answer = world.send(Ask::get(&tenant.host, path));
        if answer.status() != 200 {
            wrong.push(format!("{path}: {}", answer.status()));
        }
    }
    let page = world.send(Ask::get(&tenant.host, "/authorize?client_id=nobody"));
    if page.status() >= 500 {
        wrong.push(format!("/authorize: {}", page.status()));
    }
    wrong
}

/// Every path of the management API at which the tenant shows something, once with each kind of parameter.
fn reads(world: &World, tenant: &Inhabited<'_>) -> Vec<String> {
    let routes = management().filter(|route| route.method == Method::GET && !route.path.contains("/logs/"));
    let paths: BTreeSet<String> = routes.flat_map(|route| tenant.live(route.path)).collect();
    let shown = |path: &String| world.send(Ask::get(&tenant.host, path).bearer(&tenant.key)).status() == 200;
    paths.into_iter().filter(shown).collect()
}

#[test]
fn it_takes_nothing_along_and_can_be_deleted_and_overwritten() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    let beside = Inhabited::new(&world, "globex", "shared");
    let (reads, elsewhere) = (reads(&world, &acme), reads(&world, &beside));
    assert!(reads.len() > 30, "{reads:?}");
    let before = acme.database.copy();
    let (mut deleted, mut changed) = (BTreeSet::new(), BTreeSet::new());
    for (table, key, column) in COLUMNS {
        let newest = format!(
            "select {key} as id from {table} where tenant_id = 'acme' and {} limit 1",
            match table {
                "resource_servers" => "is_system = 0 order by id",
                "clients" => "client_id <> 'management-machine' order by created_at desc",
                "signing_keys" =>
                    "current_since = (select max(current_since) from signing_keys where tenant_id = 'acme')",
                _ => "true order by created_at desc",
            }
        );
        let newest = if table == "logs" { newest.replace("created_at", "date") } else { newest };
        let id = acme.database.query(&newest)[0]["id"].as_str().unwrap().to_owned();
        let row = acme
            .database
            .query(&format!("select * from {table} where tenant_id = 'acme' and {key} = '{id}'"));
        let texts = row[0].values().filter_map(|value| value.as_str()).filter(|text| *text != "acme");
        let names: Vec<String> = texts.map(super::inhabitants::segment).collect();
        // What is told of an entry of the log may have any shape.
        let shapes = if table == "logs" { 2 } else { 3 };
        for poison in poisons().into_iter().take(shapes) {
            acme.database.query(&format!(
                "update {table} set {column} = '{poison}' where tenant_id = 'acme' and {key} = '{id}'"
            ));
            world.advance(Lifetime::seconds(6));
            world.outside.log.borrow_mut().clear();
            let segment = super::inhabitants::segment(&id);
            let wrong = complaints(&world, &acme, &reads, &names);
            assert!(wrong.is_empty(), "{table}.{column} {poison}: {wrong:#?}");
            let wrong = complaints(&world, &beside, &elsewhere, &[]);
            assert!(wrong.is_empty(), "the tenant beside {table}.{column}: {wrong:#?}");
            let log = world.outside.log.borrow().join("\n");
            assert!(log.contains(&id), "{table}.{column}: whoever reads the log must find it: {log}");
            assert!(!log.contains("nobody should see"), "{log}");
            // A change replaces what cannot be read.
            let path = match table {
                "resource_servers" | "client_grants" => format!("{}/{segment}", table.replace('_', "-")),
                _ => format!("{table}/{segment}"),
            };
            let admin = world.holder("acme", &acme.key);
            let patch = match column {
                "document" if table == "clients" => Some(serde_json::json!({ "description": "Mended" })),
                "document" if table == "resource_servers" => {
                    Some(serde_json::json!({ "token_lifetime": 60 }))
                }
                "document" => Some(serde_json::json!({ "display_name": "Mended" })),
                "scope" if table == "client_grants" => Some(serde_json::json!({ "scope": [] })),
                "user_metadata" | "app_metadata" => Some(serde_json::json!({ column: {} })),
                _ => None,
            };
            if let Some(patch) = patch {
                admin.patch(&path, &patch).expect(200);
                admin.get(&path).expect(200);
                changed.insert(table);
            }
            if [
                "clients",
                "connections",
                "resource_servers",
                "organizations",
                "client_grants",
                "grants",
                "users",
            ]
            .contains(&table)
            {
                acme.database.query(&format!(
                    "update {table} set {column} = '{poison}' where tenant_id = 'acme' and {key} = '{id}'"
                ));
                admin.delete(&path).expect(204);
                admin.get(&path).expect(404);
                deleted.insert(table);
            }
            acme.database.become_copy(&before);
        }
    }
    assert_eq!((deleted.len(), changed.len()), (7, 6));
}

#[test]
fn it_is_told_of_once_and_not_with_every_snapshot() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    acme.database.query("update connections set document = '{' where tenant_id = 'acme' and name <> 'Username-Password-Authentication'");
    world.outside.log.borrow_mut().clear();
    for _ in 0..5 {
        world.advance(Lifetime::seconds(6));
        world.send(Ask::get("acme", "/authorize?client_id=nobody"));
    }
    let told = world.outside.log.borrow().iter().filter(|line| line.contains("left out")).count();
    assert_eq!(told, 1);
}

/// The law objects when a row does take others along: here the settings, which everything needs.
#[test]
fn a_row_that_takes_others_along_is_found() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    let reads = reads(&world, &acme);
    acme.database
        .query("insert or replace into settings (tenant_id, document, updated_at) values ('acme', '{', 1)");
    world.advance(Lifetime::seconds(6));
    assert!(complaints(&world, &acme, &reads, &[]).len() > 3);
}

/// Settings that cannot be read are mended from the main tenant.
#[test]
fn settings_are_overwritten_from_outside() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    acme.database
        .query("insert or replace into settings (tenant_id, document, updated_at) values ('acme', '{', 1)");
    world.advance(Lifetime::seconds(6));
    let patch =
        Ask::new(Method::PATCH, "", "/api/v2/tenants/settings").header("tenant-id", "acme").bearer(&acme.key);
    world.send(patch.json(&serde_json::json!({ "friendly_name": "Mended" }))).expect(200);
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
}
