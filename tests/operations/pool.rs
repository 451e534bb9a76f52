//! The pool fills itself, whatever goes wrong, and the script gets back what a deploy has taken from it.

use super::cloudflare::{Cloudflare, Mishap};
use crate::support::{Ask, World, gate::Fate};
use gatehouse::time::Lifetime;
use serde_json::json;
use std::{cell::Cell, rc::Rc};

/// An installation with an API token, nothing in the pool, and two to be kept free.
fn world() -> (World, Rc<Cloudflare>) {
    let variable =
        |name: &str| if name == "POOL_FREE" { Some("2".to_owned()) } else { Cloudflare::variable(name) };
    let world = World::with(&["DIRECTORY", "SHARED"], variable);
    let cloudflare = Cloudflare::serve(&world.outside);
    world.send(Ask::get("", "/readyz")).expect(200);
    (world, cloudflare)
}

fn free(world: &World) -> usize {
    let sql = "select id from databases where kind = 'pool' and state = 'free' and uuid is not null and schema_version > 0";
    world.database("DIRECTORY").query(sql).len()
}

fn wait(world: &World, cloudflare: &Cloudflare) {
    world.advance(Lifetime::minutes(5));
    cloudflare.settle();
}

#[test]
fn the_pool_is_filled_and_a_tenant_is_served_from_it() {
    let (world, cloudflare) = world();
    world.tick();
    assert_eq!((free(&world), cloudflare.databases().len(), cloudflare.attached().len()), (2, 2, 2));
    wait(&world, &cloudflare);
    let calls = cloudflare.calls();
    world.tick();
    assert_eq!((free(&world), cloudflare.calls()), (2, calls), "a full pool costs no call");

    world.admin("").post("tenants", &json!({ "id": "acme", "placement": "isolated" })).expect(201);
    assert_eq!((free(&world), cloudflare.calls()), (1, calls), "claiming costs no call");
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
    world.tick();
    assert_eq!((free(&world), cloudflare.databases().len()), (2, 3));
    world.admin("").delete("tenants/acme").expect(204);
    assert_eq!((free(&world), cloudflare.databases().len()), (3, 3), "it returns to the pool");
}

#[test]
fn the_pool_is_filled_with_no_more_than_was_wanted_whatever_goes_wrong() {
    let effects = {
        let (world, _cloudflare) = world();
        let count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&count);
        *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |_, happened| {
            counted.set(counted.get() + usize::from(!happened));
            Fate::Go
        }));
        world.tick();
        count.get()
    };
    let deaths = (0..effects).flat_map(|at| [(at, false), (at, true)]);
    let trials = deaths.map(|death| (Some(death), None));
    let calls = (0..14).flat_map(|call| Mishap::ALL.map(|mishap| (call, mishap)));
    for (death, mishap) in trials.chain(calls.map(|mishap| (None, Some(mishap)))) {
        let (world, cloudflare) = world();
        cloudflare.mishaps.borrow_mut().extend(mishap);
        let count = Cell::new(0);
        *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |_, happened| {
            count.set(count.get() + usize::from(!happened));
            let dies = death.is_some_and(|(at, after)| count.get() == at + 1 && happened == after);
            if dies { Fate::Die } else { Fate::Go }
        }));
        world.outside.gate.survive(world.app.tick());
        *world.outside.gate.rule.borrow_mut() = None;
        for _ in 0..4 {
            wait(&world, &cloudflare);
            world.another_isolate().tick();
        }
        let found = (free(&world), cloudflare.databases().len(), cloudflare.attached().len());
        assert_eq!(found, (2, 2, 2), "{death:?} {mishap:?}");
        assert!(cloudflare.violations.borrow().is_empty());
    }
}

#[test]
fn what_a_deploy_took_from_the_script_is_given_back() {
    let (world, cloudflare) = world();
    world.tick();
    world.admin("").post("tenants", &json!({ "id": "acme", "placement": "isolated" })).expect(201);
    wait(&world, &cloudflare);
    cloudflare.deploy();
    assert!(cloudflare.attached().is_empty());
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
    world.tick();
    assert_eq!(cloudflare.attached().len(), 3);
}
