//! Many tenants move in one migration; one that cannot keeps nobody else from it, and says why and how to go on.
//!
//! `TENANTS=1000 cargo test --test native -- moves::migration` moves a thousand.

use super::furnish::rows;
use crate::support::{Ask, World, block_on};
use gatehouse::platform::Platform;
use gatehouse::{
    id::OperationId,
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};

/// How many tenants.
fn many() -> usize {
    std::env::var("TENANTS").map_or(40, |number| number.parse().unwrap())
}

fn name(number: usize) -> String {
    format!("t{number:04}")
}

/// Tenants in the shared database, and a pool that has one for each.
fn world(tenants: usize) -> World {
    let pool: Vec<String> = (1..=tenants).map(|number| format!("POOL_{number:04}")).collect();
    let bindings: Vec<&str> =
        ["DIRECTORY", "SHARED"].into_iter().chain(pool.iter().map(String::as_str)).collect();
    let world = World::with(&bindings, |name| (name == "DEFAULT_PLACEMENT").then(|| "shared".to_owned()));
    (0..tenants).for_each(|number| world.tenant(&name(number)));
    world
}

fn ask(world: &World, ask: Ask) -> Json {
    let answer = world.send(ask.bearer(&world.machine_token("")));
    assert!(answer.status() < 300, "{}", answer.text());
    answer.json()
}

/// Lets every alarm clock ring until the migration is as wanted.
fn until(world: &World, id: &str, wanted: impl Fn(&Json) -> bool) -> Json {
    for _ in 0..100_000 {
        let mut due = world.outside.wakes.take();
        due.sort_by_key(|(_, at)| *at);
        let Some((operation, at)) = due.first().cloned() else { break };
        world.outside.wakes.borrow_mut().extend(due.drain(1..).filter(|(_, at)| *at < operation_end(world)));
        world.advance(Lifetime::milliseconds(at.since(world.outside.now()).as_millis().max(1)));
        let isolate = world.another_isolate();
        let next: Option<Timestamp> = block_on(isolate.app.advance(&operation)).unwrap();
        world.outside.wakes.borrow_mut().extend(next.map(|at| (operation.clone(), at)));
        // Only its own alarm clock changes it.
        if operation.as_str() == id {
            let shown = ask(world, Ask::get("", &format!("/management/migrations/{id}")));
            if wanted(&shown) {
                return shown;
            }
        }
    }
    panic!(
        "it does not come to that: {:#}",
        ask(world, Ask::get("", &format!("/management/migrations/{id}")))
    );
}

/// What rings later than this has only to be looked at: moves that can be rolled back.
fn operation_end(world: &World) -> Timestamp {
    world.outside.now().plus(Lifetime::minutes(10))
}

#[test]
fn many_tenants_move_and_one_that_cannot_is_reported() {
    let tenants = many();
    let world = world(tenants + 1);
    let poisoned = name(tenants / 2);
    let before: Vec<String> =
        (0..tenants).map(|number| rows(&world.database("SHARED"), &name(number))).collect();
    // Whichever database this tenant is given, it takes none of its connections.
    for number in 1..=tenants + 1 {
        let pool = world.database(&format!("POOL_{number:04}"));
        block_on(gatehouse::db::schema::migrate(pool.as_ref(), gatehouse::db::schema::TENANT)).unwrap();
        pool.query(&format!(
            "create trigger poison before insert on connections when new.tenant_id = '{poisoned}'
             begin select raise(abort, 'this row is poisoned'); end"
        ));
    }
    let order: Vec<String> = (0..tenants).map(name).collect();
    let body = json!({ "tenants": order, "placement": "isolated", "parallelism": 8 });
    let id =
        ask(&world, Ask::post("", "/management/migrations").json(&body))["id"].as_str().unwrap().to_owned();
    let shown = until(&world, &id, |shown| shown["status"] != "running");

    assert_eq!(shown["status"], "failed");
    assert_eq!(shown["tenants"], json!({ "waiting": 0, "moving": 0, "moved": tenants - 1, "failed": 1 }));
    let failed = ask(&world, Ask::get("", &format!("/management/migrations/{id}/tenants?status=failed")));
    let failed = &failed[0];
    assert_eq!(failed["tenant_id"], poisoned.as_str());
    assert!(
        failed["error"].as_str().unwrap().contains("writing connections: D1_ERROR: this row is poisoned"),
        "{failed}"
    );
    assert!(failed["to_go_on"].as_str().unwrap().contains("resume"));
    for (number, before) in before.iter().enumerate() {
        let tenant = name(number);
        let home = world.home(&tenant);
        assert_eq!(&rows(&home, &tenant), before, "{tenant}");
        assert_eq!(tenant == poisoned, std::rc::Rc::ptr_eq(&home, &world.database("SHARED")), "{tenant}");
        world.send(Ask::get(&tenant, "/.well-known/jwks.json")).expect(200);
    }

    // The cause is mended, and those that failed have another turn.
    (1..=tenants + 1)
        .for_each(|number| drop(world.database(&format!("POOL_{number:04}")).query("drop trigger poison")));
    ask(&world, Ask::post("", &format!("/management/migrations/{id}/resume")));
    let shown = until(&world, &id, |shown| shown["status"] != "running");
    assert_eq!((&shown["status"], &shown["tenants"]["moved"]), (&json!("succeeded"), &json!(tenants)));
    assert_eq!(rows(&world.home(&poisoned), &poisoned), before[tenants / 2]);
}

#[test]
fn a_migration_stops_where_one_fails_if_that_is_wanted_and_never_moves_too_many_at_once() {
    let world = world(6);
    let body = json!({ "tenants": ["t0000", "nobody", "t0001", "t0002"], "placement": "isolated", "parallelism": 1, "stop_on_failure": true });
    let id =
        ask(&world, Ask::post("", "/management/migrations").json(&body))["id"].as_str().unwrap().to_owned();
    let shown = until(&world, &id, |shown| {
        assert!(shown["tenants"]["moving"].as_i64().unwrap() <= 1);
        shown["status"] == "paused"
    });
    assert_eq!(shown["tenants"], json!({ "waiting": 2, "moving": 0, "moved": 1, "failed": 1 }));
    let failed = ask(&world, Ask::get("", &format!("/management/migrations/{id}/tenants?status=failed")));
    assert_eq!(failed[0]["error"], "The tenant does not exist");

    // All that are not there yet.
    let body = json!({ "tenants": "all", "placement": "isolated", "parallelism": 3 });
    let id =
        ask(&world, Ask::post("", "/management/migrations").json(&body))["id"].as_str().unwrap().to_owned();
    let shown = until(&world, &id, |shown| shown["status"] != "running");
    assert_eq!((&shown["status"], &shown["tenants"]["moved"]), (&json!("succeeded"), &json!(5)));
}

#[test]
fn what_is_no_migration_is_refused() {
    let world = world(1);
    let token = world.machine_token("");
    for (body, word) in [
        (json!({ "placement": "isolated" }), "tenants"),
        (json!({ "tenants": [], "placement": "isolated" }), "tenants"),
        (json!({ "tenants": "some", "placement": "isolated" }), "tenants"),
        (json!({ "tenants": ["t0000", "t0000"], "placement": "isolated" }), "twice"),
        (json!({ "tenants": ["No Tenant"], "placement": "isolated" }), "No Tenant"),
        (json!({ "tenants": ["t0000"], "placement": "isolated", "parallelism": 0 }), "parallelism"),
        (json!({ "tenants": ["t0000"] }), "placement"),
    ] {
        let answer =
            world.send(Ask::post("", "/management/migrations").bearer(&token).json(&body)).expect(400);
        assert!(answer.json()["message"].as_str().unwrap().contains(word), "{body}: {}", answer.text());
    }
    world.send(Ask::post("", "/management/migrations/mig_nothing/pause").bearer(&token)).expect(404);
    let id = OperationId::new("mig_nothing");
    assert_eq!(block_on(world.app.advance(&id)).unwrap(), None);
}
