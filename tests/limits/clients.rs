//! What programs may ask, and how often they may be wrong.

use crate::support::{
    Ask, World,
    world::{MACHINE_ID, MACHINE_SECRET, MANAGEMENT_AUDIENCE},
};
use gatehouse::{
    limits::model::{FAILURES, MANAGEMENT, USERINFO},
    time::Lifetime,
};
use serde_json::json;

fn token(secret: &str) -> Ask {
    Ask::post("", "/oauth/token").form(&[
        ("grant_type", "client_credentials"),
        ("client_id", MACHINE_ID),
        ("client_secret", secret),
        ("audience", MANAGEMENT_AUDIENCE),
    ])
}

/// A world whose counters count, with their own limits.
fn world() -> World {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    world.send(token(MACHINE_SECRET)).expect(200);
    world.outside.counts.set(Some(None));
    world
}

#[test]
fn who_guesses_a_secret_is_refused_before_the_next_guess_is_looked_at() {
    let world = world();
    for _ in 0..FAILURES.limit {
        world.send(token("a guess")).expect(401);
    }
    let refused = world.send(token("a guess")).expect(429);
    assert_eq!(refused.json()["error"], "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("60"));
    let right = world.send(token(MACHINE_SECRET)).expect(429);
    assert_eq!(right.round_trips(), 0);
    assert_eq!(right.json()["error"], refused.json()["error"], "nobody learns that it was right");
    world.send(token(MACHINE_SECRET).from("198.51.100.7")).expect(200);
    world.advance(Lifetime::minutes(1));
    world.send(token(MACHINE_SECRET)).expect(200);
}

#[test]
fn guesses_of_codes_and_refresh_tokens_are_counted_and_leave_no_more_rows() {
    let world = world();
    let app = world.application("", &json!({}));
    let guesses = |n: u32| match n % 2 {
        0 => app.redeem_code(&world, &format!("code {n}"), crate::support::browser::VERIFIER),
        _ => app.refresh(&world, &format!("rt_{n}.guess")),
    };
    for n in 0..FAILURES.limit {
        assert!(matches!(guesses(n).status(), 400 | 401 | 403), "{n}");
    }
    let rows = || world.database("SHARED").query("select id from logs").len();
    guesses(0).expect(429);
    let before = rows();
    for n in 0..20 {
        assert_eq!(guesses(n).expect(429).round_trips(), 0);
    }
    assert_eq!(rows(), before);
    assert_eq!(world.send(token(MACHINE_SECRET)).status(), 200, "another client is none the worse");
}

#[test]
fn who_is_right_is_not_counted_as_wrong() {
    let world = world();
    for _ in 0..FAILURES.limit + 10 {
        world.send(token(MACHINE_SECRET)).expect(200);
    }
}

#[test]
fn a_caller_of_the_management_api_has_a_limit_of_their_own() {
    let world = world();
    let token = world.machine_token("read:roles");
    let ask = |ip: usize| {
        world.send(Ask::get("", "/api/v2/roles").bearer(&token).from(&format!("198.51.100.{}", ip % 200)))
    };
    for ip in 0..MANAGEMENT.limit as usize {
        ask(ip).expect(200);
    }
    let refused = ask(0).expect(429);
    let body = refused.json();
    assert_eq!(
        (&body["errorCode"], &body["error"]),
        (&json!("too_many_requests"), &json!("Too Many Requests"))
    );
    for (name, value) in
        [("x-ratelimit-limit", "1000"), ("x-ratelimit-remaining", "0"), ("retry-after", "10")]
    {
        assert_eq!(refused.header(name), Some(value), "{name}");
    }
    let reset: i64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert_eq!(reset, world.outside.now_millis() / 1000 + 10);
    assert_eq!(refused.round_trips(), 0);
}

#[test]
fn userinfo_is_limited_for_each_person() {
    let world = world();
    let app = world.application("", &json!({}));
    let back = world.browser().sign_in(
        &app.authorize(&[]),
        crate::support::world::ADMIN_EMAIL,
        crate::support::world::ADMIN_PASSWORD,
    );
    let token = app.redeem(&world, &back).expect(200).json()["access_token"].as_str().unwrap().to_owned();
    let ask =
        |ip: u32| world.send(Ask::get("", "/userinfo").bearer(&token).from(&format!("198.51.100.{ip}")));
    for ip in 0..USERINFO.limit {
        ask(ip).expect(200);
    }
    ask(250).expect(429);
}

#[test]
fn the_limits_can_be_switched_off_for_measurements() {
    let world =
        World::with(&["DIRECTORY", "SHARED"], |name| (name == "RATE_LIMITS").then(|| "off".to_owned()));
    world.send(Ask::get("", "/readyz")).expect(200);
    world.outside.counts.set(Some(Some(1)));
    for _ in 0..5 {
        world.send(token("a guess")).expect(401);
    }
}
