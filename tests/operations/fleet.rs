//! All tenants together: read-only by one command, and open again by another.

use crate::support::{Answer, Ask, World};
use gatehouse::{http::Method, time::Lifetime};
use serde_json::{Value as Json, json};

fn fleet(world: &World, method: Method, path: &str) -> Answer {
    world.send(Ask::new(method, "", &format!("/management/fleet{path}")).bearer(&world.machine_token("")))
}

fn set(world: &World, status: &str) -> Json {
    fleet(world, Method::POST, &format!("/{status}")).expect(200).json()
}

/// The status of an answer to a change of the tenant.
fn change(world: &World, tenant: &str) -> u16 {
    let settings = json!({ "friendly_name": "Renamed" });
    let ask = Ask::new(Method::PATCH, "", "/api/v2/tenants/settings").header("tenant-id", tenant);
    world.send(ask.bearer(&world.machine_token("")).json(&settings)).status()
}

#[test]
fn one_command_makes_every_tenant_read_only_and_one_opens_them_again() {
    let world = World::new();
    world.tenant("acme");
    world.admin("").post("tenants", &json!({ "id": "globex", "placement": "isolated" })).expect(201);
    assert_eq!(
        fleet(&world, Method::GET, "").expect(200).json(),
        json!({ "status": "active", "tenants": { "active": 2 } })
    );
    let elsewhere = world.another_isolate();
    assert_eq!(change(&elsewhere, "acme"), 200);

    let shown = set(&world, "read_only");
    assert_eq!(shown["status"], "read_only");
    assert_eq!(
        (&shown["since"], &shown["effective_at"]),
        (&json!("2027-01-15T08:00:00.000Z"), &json!("2027-01-15T08:00:05.000Z"))
    );
    assert_eq!((change(&world, "acme"), change(&world, "globex")), (503, 503));
    assert_eq!(change(&world, "main"), 200, "where it is changed, it does not count");
    world.advance(Lifetime::seconds(5));
    assert_eq!(change(&elsewhere, "acme"), 503, "every instance knows it by then");
    // A tenant that is made meanwhile is no exception once it is there.
    world.tenant("initech");
    assert_eq!(change(&world, "initech"), 503);
    // Said again, it is since the first time.
    assert_eq!(set(&world, "read_only")["since"], shown["since"]);

    assert_eq!(set(&world, "active")["since"], "2027-01-15T08:00:05.000Z");
    assert_eq!(
        (change(&world, "acme"), change(&world, "globex"), change(&world, "initech")),
        (200, 200, 200)
    );
}

#[test]
fn each_tenant_keeps_its_own_state() {
    let world = World::new();
    for (tenant, status) in [("acme", "read_only"), ("globex", "suspended"), ("initech", "active")] {
        world.tenant(tenant);
        world.admin("").patch(&format!("tenants/{tenant}"), &json!({ "status": status })).expect(200);
    }
    let of_each = json!({ "active": 1, "read_only": 1, "suspended": 1 });
    assert_eq!(set(&world, "read_only")["tenants"], of_each);
    assert_eq!(
        (change(&world, "acme"), change(&world, "globex"), change(&world, "initech")),
        (503, 403, 503)
    );
    assert_eq!(set(&world, "active")["tenants"], of_each);
    assert_eq!(
        (change(&world, "acme"), change(&world, "globex"), change(&world, "initech")),
        (503, 403, 200)
    );
}

#[test]
fn what_the_fleet_cannot_be_is_refused_and_who_may_not_changes_nothing() {
    let world = World::new();
    world.tenant("acme");
    let before = world.database("DIRECTORY").everything();
    for status in ["suspended", "deleted", "READ_ONLY", "x", "%00"] {
        let refused = fleet(&world, Method::POST, &format!("/{status}")).expect(404).json();
        assert!(refused["message"].as_str().unwrap().contains("staging, read_only, active"), "{refused}");
    }
    let reader = world.machine_token("read:tenants");
    world.send(Ask::post("", "/management/fleet/read_only").bearer(&reader)).expect(403);
    let of_tenant = world.signed(
        "acme",
        &json!({ "sub": "m@clients", "gty": "client-credentials", "scope": "update:tenants" }),
    );
    world.send(Ask::post("", "/management/fleet/read_only").bearer(&of_tenant)).expect(403);
    world.send(Ask::post("acme", "/management/fleet/read_only").bearer(&of_tenant)).expect(404);
    assert_eq!(world.database("DIRECTORY").everything(), before);
}
