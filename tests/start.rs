//! The first start: whatever the first request is, it is answered from an installation that has made itself ready.

use crate::support::{Ask, World};

#[test]
fn the_first_request_prepares_everything_and_the_second_finds_it_ready() {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    let tenants = world.database("DIRECTORY").query("select id, status, placement from tenants");
    assert_eq!(
        serde_json::to_string(&tenants).unwrap(),
        r#"[{"id":"main","placement":"shared","status":"active"}]"#
    );
    let pool =
        world.database("DIRECTORY").query("select id from databases where kind = 'pool' and state = 'free'");
    assert_eq!(pool.len(), 4);

    let before = world.database("SHARED").contents("main");
    world.another_isolate().send(Ask::get("", "/readyz")).expect(200);
    assert_eq!(world.database("SHARED").contents("main"), before);
}

#[test]
fn a_start_that_died_halfway_is_finished_by_the_next_request() {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    world.database("DIRECTORY").query("update tenants set status = 'provisioning'");
    let contents = world.database("SHARED").contents("main");
    world.another_isolate().send(Ask::get("", "/readyz")).expect(200);
    assert_eq!(world.database("SHARED").contents("main"), contents);
}

#[test]
fn an_unknown_tenant_is_not_found_and_says_so_in_the_dialect_of_the_path() {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    assert_eq!(
        world.send(Ask::get("nobody", "/api/v2/users")).expect(404).json()["errorCode"],
        "unknown_tenant"
    );
    assert_eq!(world.send(Ask::get("nobody", "/oauth/token")).expect(404).json()["error"], "unknown_tenant");
    assert!(world.send(Ask::get("nobody", "/u/login")).expect(404).text().contains("<h1"));
}
