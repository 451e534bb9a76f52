//! Hosts and issuers that are nobody's: what they cost, and whom they push out.

use crate::support::{Ask, World};
use gatehouse::{limits::model::STRANGERS, time::Lifetime};
use serde_json::json;

/// D1 round trips of so many requests together, and how many of them were told to come back later.
fn cost(world: &World, asks: impl Iterator<Item = Ask>) -> (u64, usize) {
    asks.map(|ask| world.send(ask)).fold((0, 0), |(trips, refused), answer| {
        (trips + answer.round_trips(), refused + usize::from(answer.status() == 429))
    })
}

fn world() -> World {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    world.tenant("acme");
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
    world.outside.counts.set(Some(None));
    world
}

#[test]
fn who_asks_for_hosts_that_are_nobodys_is_not_looked_up_for_long() {
    let world = world();
    let most = u64::from(STRANGERS.limit);
    let host = |n: usize| {
        if n.is_multiple_of(2) { format!("nobody{n}") } else { format!("login.nobody{n}.example") }
    };
    let ask = |n: usize| Ask::get(&host(n), "/.well-known/jwks.json");
    let (trips, refused) = cost(&world, (0..200).map(ask));
    assert_eq!((trips, refused), (most + 1, 170), "the last look is the one that was over the limit");
    // Those whose tenant is known, and those who come from elsewhere, are none the worse.
    assert_eq!(world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200).round_trips(), 0);
    world.send(ask(999).from("198.51.100.7")).expect(404);
    world.advance(Lifetime::minutes(1));
    world.send(ask(999)).expect(404);
}

#[test]
fn who_names_issuers_that_are_nobodys_is_not_looked_up_for_long() {
    let world = world();
    let token = |n: usize| {
        let issuer = if n.is_multiple_of(2) {
            format!("http://nobody{n}.localhost:8787/")
        } else {
            format!("http://nobody{n}.example/")
        };
        world.signed("main", &json!({ "iss": issuer, "sub": "x", "aud": "x", "exp": 2_000_000_000 }))
    };
    let ask = |n: usize| Ask::get("", "/api/v2/roles").bearer(&token(n));
    let tokens: Vec<_> = (0..100).map(ask).collect();
    let (trips, refused) = cost(&world, tokens.into_iter());
    assert!(trips <= u64::from(STRANGERS.limit) + 1, "{trips}");
    assert_eq!(refused, 100 - STRANGERS.limit as usize);
}

#[test]
fn a_host_that_is_nobodys_pushes_out_no_tenant() {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    world.tenant("acme");
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
    for n in 0..9000 {
        world.send(Ask::get(&format!("nobody{n}"), "/.well-known/jwks.json")).expect(404);
    }
    assert_eq!(world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200).round_trips(), 0);
}

#[test]
fn a_tenant_that_comes_to_be_is_found_although_its_host_was_nobodys() {
    let world = World::new();
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(404);
    world.tenant("acme");
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(200);
}
