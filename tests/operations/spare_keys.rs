//! Keys made ahead: each is given once, none is needed, and what cannot be opened is nobody's.

use crate::support::{
    World,
    gate::{Effect, Fate},
};
use gatehouse::error::Fault;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

fn waiting(world: &World) -> BTreeSet<String> {
    let rows = world.database("DIRECTORY").query("select kid from spare_keys");
    rows.iter().map(|row| row["kid"].as_str().unwrap().to_owned()).collect()
}

fn key_of(world: &World, tenant: &str) -> String {
    let sql = format!("select kid from signing_keys where tenant_id = '{tenant}'");
    let rows = world.home(tenant).query(&sql);
    assert_eq!(rows.len(), 1);
    rows[0]["kid"].as_str().unwrap().to_owned()
}

#[test]
fn a_tenant_takes_a_key_that_was_made_ahead_and_nobody_else_gets_it() {
    let world = World::new();
    world.tick();
    world.tick();
    let ahead = waiting(&world);
    assert_eq!(ahead.len(), 4);
    let made: BTreeSet<String> = ["acme", "globex"]
        .map(|tenant| {
            world.tenant(tenant);
            key_of(&world, tenant)
        })
        .into();
    assert_eq!(made.len(), 2);
    assert!(made.is_subset(&ahead));
    assert!(made.is_disjoint(&waiting(&world)));
    // Two are enough for now; with the next there are fewer, and more are made once the answer has been sent.
    assert_eq!(waiting(&world).len(), 2);
    world.tenant("initech");
    assert_eq!(waiting(&world).len(), 4);
}

#[test]
fn without_one_a_tenant_gets_a_key_of_its_own() {
    let world = World::new();
    world.tenant("acme");
    assert!(!waiting(&world).contains(&key_of(&world, "acme")));
    assert_eq!(waiting(&world).len(), 4, "made after the answer");
}

#[test]
fn a_private_key_waits_sealed_and_one_that_cannot_be_opened_is_not_used() {
    let world = World::new();
    world.tick();
    world.tick();
    let rows = world.database("DIRECTORY").query("select private_jwk from spare_keys");
    assert!(rows.iter().all(|row| row["private_jwk"].as_str().unwrap().starts_with("s1:k1:")));
    // Sealed for another key: what somebody has swapped does not open.
    let ahead = waiting(&world);
    world.database("DIRECTORY").query(
        "update spare_keys set private_jwk = (select private_jwk from spare_keys s where s.kid > spare_keys.kid
           union all select 's1:k0:AAAA' limit 1)",
    );
    world.tenant("acme");
    assert!(!ahead.contains(&key_of(&world, "acme")));
    assert_eq!(world.admin("").get("keys/signing").expect(200).json().as_array().map(Vec::len), Some(1));
}

#[test]
fn a_refill_that_fails_is_logged_and_fails_nobody() {
    let world = World::new();
    world.admin("").get("tenants").expect(200);
    world.tenant("acme");
    world.database("DIRECTORY").query("delete from spare_keys");
    let fails = |effect, happened: bool| match (effect, happened) {
        (Effect::Commit, false) => Fate::Fail(Fault::unavailable("the directory stalls")),
        _ => Fate::Go,
    };
    *world.outside.gate.rule.borrow_mut() = Some(Box::new(fails));
    world.tick();
    *world.outside.gate.rule.borrow_mut() = None;
    assert_eq!(waiting(&world).len(), 0);
    assert!(world.outside.log.borrow().iter().any(|line| line.contains("the directory stalls")));
    world.tick();
    assert_eq!(waiting(&world).len(), 4);
    let tenants: Vec<Json> = world.admin("").get("tenants").expect(200).json().as_array().unwrap().clone();
    assert_eq!(tenants.iter().filter(|tenant| tenant["status"] == json!("active")).count(), 2);
}
