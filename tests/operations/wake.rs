//! Only the alarm clock can have an operation advanced, and only now.

use crate::support::{Ask, World};
use gatehouse::{
    error::Fault,
    id::OperationId,
    operations::engine::wake,
    platform::{Incoming, Platform},
    secret::KeyRing,
    time::{Lifetime, Timestamp},
};

/// The alarm clock's call, as it reaches the Worker.
fn ring(world: &World) -> Ask {
    let shared = world.app.shared();
    let operation = OperationId::new("op_1");
    let call = wake::call(&shared.config, shared.platform.as_ref(), &operation).unwrap();
    let path = call.url.strip_prefix("http://localhost:8787").unwrap();
    Ask::new(call.method, "", path).body(&call.body)
}

fn admitted(world: &World, ask: Ask) -> Option<OperationId> {
    let keys = &world.app.shared().config.encryption_keys;
    wake::admit(keys, &ask.into_request(), world.outside.now())
}

#[test]
fn its_call_is_admitted_for_a_minute() {
    let world = World::new();
    let ask = ring(&world);
    assert_eq!(admitted(&world, ask.clone()), Some(OperationId::new("op_1")));
    world.advance(Lifetime::minutes(1));
    assert!(admitted(&world, ask.clone()).is_some());
    world.advance(Lifetime::milliseconds(1));
    assert_eq!(admitted(&world, ask), None);
}

#[test]
fn nobody_else_can_write_its_ticket_or_use_it_elsewhere() {
    let world = World::new();
    let genuine = ring(&world).into_request();
    let refused = |ask: Ask| assert_eq!(admitted(&world, ask), None);
    for at in 0..genuine.body.len() {
        let mut forged = genuine.body.clone();
        forged[at] ^= 1;
        refused(Ask::post("", &genuine.path).body(&forged));
    }
    refused(Ask::get("", &genuine.path).body(&genuine.body));
    refused(Ask::post("", "/oauth/token").body(&genuine.body));
    refused(Ask::post("", &genuine.path));
    let request = ring(&world).into_request();
    assert_eq!(wake::admit(&KeyRing::single("k1", [9; 32]), &request, world.outside.now()), None);
}

#[test]
fn an_outsider_meets_the_same_answer_as_at_any_unknown_address() {
    let world = World::new();
    let path = ring(&world).into_request().path;
    let here = world.send(Ask::post("", &path).body(b"s1:k1:AAAA")).expect(404);
    let nowhere = world.send(Ask::post("", "/internal/nothing")).expect(404);
    assert_eq!(here.text(), nowhere.text());
}

#[test]
fn the_answer_says_when_to_ring_again_and_anything_else_is_a_failure() {
    let heard = |advanced| {
        let response = wake::answer(advanced);
        let status = response.status.as_u16();
        wake::next(&Incoming { status, headers: Vec::new(), body: response.body })
    };
    let soon = Timestamp::from_millis(1_800_000_000_500);
    assert_eq!(heard(Ok(Some(soon))), Ok(Some(soon)));
    assert_eq!(heard(Ok(None)), Ok(None));
    assert!(heard(Err(Fault::internal("no"))).is_err());
    let page = Incoming { status: 200, headers: Vec::new(), body: b"<html>".to_vec() };
    assert!(wake::next(&page).is_err());
}

#[test]
fn failures_are_retried_ever_more_slowly_but_for_ever() {
    let waits: Vec<i64> = [1, 2, 3, 8, 9, 63, 64, u32::MAX].map(|n| wake::backoff(n).as_seconds()).to_vec();
    assert_eq!(waits, [2, 4, 8, 256, 300, 300, 300, 300]);
}
