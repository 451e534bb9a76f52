//! Nothing that a stranger does makes the database grow without end.

use crate::support::{Ask, World, block_on};
use gatehouse::{
    db::Meter,
    events::{
        blocks::model::{INTERVAL, MOST_ENTRIES},
        store::{BY_STRANGERS, sweep_loose, sweep_surplus},
    },
    http::Method,
    platform::Platform as _,
    routes::ROUTES,
    time::Lifetime,
};
use serde_json::json;
use std::collections::BTreeMap;

/// How many rows each table of all databases has.
fn rows(world: &World) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for name in ["DIRECTORY", "SHARED"] {
        let database = world.database(name);
        let tables = database
            .query("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'");
        for table in tables.iter().map(|row| row["name"].as_str().unwrap()) {
            let count =
                database.query(&format!("select count(*) as n from {table}"))[0]["n"].as_i64().unwrap();
            *found.entry(table.to_owned()).or_default() += count;
        }
    }
    found
}

/// By how many rows each table may have grown, whatever strangers did in a minute, and whose end is near.
const MOST: [(&str, i64); 2] = [("logs", 200), ("login_attempts", 2_000)];

/// The tables that have grown by more than they may.
fn overgrown(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>) -> Vec<String> {
    let most = |table: &str| MOST.iter().find(|(name, _)| *name == table).map_or(0, |(_, most)| *most);
    let grown = after.iter().filter(|(table, rows)| *rows - before.get(*table).unwrap_or(&0) > most(table));
    grown.map(|(table, rows)| format!("{table} has {rows} rows")).collect()
}

/// What somebody sends who knows the id of a public application, which everybody can, and nothing else.
fn attempts(world: &World, client: &str, number: usize) {
    for route in ROUTES.all().iter().filter(|route| ["OAuth", "Login"].contains(&route.area)) {
        let made_up = format!("made-up-{number}");
        let fields = [
            ("client_id", client),
            ("grant_type", ["authorization_code", "refresh_token", "client_credentials"][number % 3]),
            ("code", &made_up),
            ("refresh_token", &made_up),
            ("token", &made_up),
            ("username", &made_up),
            ("password", &made_up),
        ];
        let ask = Ask::new(route.method.clone(), "", route.path).from(&format!(
            "198.51.{}.{}",
            number / 250,
            number % 250
        ));
        let ask = ask.header("user-agent", &"a".repeat(12_000));
        world.send(if route.method == Method::POST { ask.form(&fields) } else { ask });
    }
}

#[test]
fn whatever_strangers_do_in_a_minute_leaves_little() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let before = rows(&world);
    for number in 0..150 {
        attempts(&world, &app.id, number);
    }
    let after = rows(&world);
    let wrong = overgrown(&before, &after);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(after["logs"] > before["logs"], "some of it is told of");
    let entries = world.database("SHARED").query("select * from logs where type = 'feacft'");
    assert_eq!(entries.len(), 20);
    let told =
        entries.iter().filter(|entry| entry["description"].as_str().unwrap().contains("left out")).count();
    assert_eq!(told, 1, "the last one says that there are more");
    assert!(entries.iter().all(|entry| entry["user_agent"].as_str().unwrap().len() == 512));
    // In the next minute it is told of again.
    world.advance(Lifetime::minutes(1));
    attempts(&world, &app.id, 0);
    assert!(rows(&world)["logs"] > after["logs"]);
}

#[test]
fn a_table_that_grows_with_every_request_is_found() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let before = rows(&world);
    for number in 0..210 {
        attempts(&world, &app.id, number);
        world.database("SHARED").query(&format!(
            "insert into logs (tenant_id, id, type, date) values ('main', 'planted{number}', 'feacft', 1)"
        ));
    }
    assert_eq!(overgrown(&before, &rows(&world)).len(), 1);
}

#[test]
fn the_log_keeps_what_the_tenant_says_and_no_more_than_the_operator_says() {
    let world = World::new();
    let admin = world.admin("");
    let database = world.database("SHARED");
    let (now, day) = (world.outside.now_millis(), 86_400_000);
    for (name, age) in [("old", 31 * day), ("week", 8 * day), ("new", 1)] {
        for number in 0..100 {
            let moment = now - age;
            database.query(&format!(
                "insert into logs (tenant_id, id, type, date) values ('main', '{moment:012x}{name}{number:03}', 's', {moment})"
            ));
        }
    }
    let count =
        |sql: &str| database.query(&format!("select count(*) as n from {sql}"))[0]["n"].as_i64().unwrap();
    let left = |name: &str| count(&format!("logs where id like '%{name}%'"));
    // Entries are written, and now and then one of them takes old ones along.
    let work = || {
        for number in 0..200 {
            admin.patch("tenants/settings", &json!({ "friendly_name": format!("n{number}") })).expect(200);
        }
    };
    database.query(
        "insert into login_attempts (tenant_id, key, failures, expires_at) values ('main', 'ended', 1, 1)",
    );
    work();
    assert_eq!((left("old"), left("week"), left("new")), (0, 100, 100));
    assert_eq!(count("login_attempts where key = 'ended'"), 0, "counts that have ended go too");
    // What has not been sealed yet is not removed either.
    let seal = || {
        world.advance(INTERVAL);
        world.tick();
    };
    seal();
    admin.patch("tenants/settings", &json!({ "log_retention_days": 7 })).expect(200);
    work();
    assert_eq!((left("old"), left("week"), left("new")), (0, 0, 100));
    // However new they are: the oldest beyond the number that the operator has set.
    let (shared, now) = (world.app.shared(), world.outside.now());
    let (_, db) = block_on(shared.directory.main(now, &Meter::default())).unwrap();
    seal();
    block_on(db.commit([sweep_surplus(150), sweep_loose()])).unwrap();
    let kept = count("logs where tenant_id = 'main'");
    assert!(
        (150..150 + MOST_ENTRIES).contains(&kept),
        "{kept}: whole blocks go, and no more of them than leave so many"
    );
    assert_eq!(left("new"), 0);
}

#[test]
fn the_kinds_that_are_counted_are_those_of_the_index() {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    let index =
        world.database("SHARED").query("select sql from sqlite_schema where name = 'logs_by_stranger'");
    assert!(index[0]["sql"].as_str().unwrap().contains(&format!("where type in ({BY_STRANGERS})")));
}
