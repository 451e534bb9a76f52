//! New accounts in bulk, and what a stranger finds out by asking for one.

use crate::support::{Application, World, browser::Seen, world::ADMIN_EMAIL};
use gatehouse::{http::Method, time::Lifetime};
use serde_json::json;

const PASSWORD: &str = "a password of one's own";

fn sign_up(world: &World, app: &Application, email: &str) -> Option<(u16, Option<String>)> {
    let browser = world.browser();
    let page = browser.open(&app.authorize(&[("screen_hint", "signup")]));
    match browser.submit(&page, &[("email", email), ("password", PASSWORD)]) {
        Seen::Away(_) => None,
        Seen::Page(_, answer) => Some((answer.status(), answer.header("retry-after").map(str::to_owned))),
    }
}

#[test]
fn one_network_makes_so_many_accounts_and_then_one_every_few_seconds() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let made = (0..25).filter(|n| sign_up(&world, &app, &format!("new{n}@example.com")).is_none()).count();
    assert_eq!(made, 20);
    // Refused before anything is hashed: to try would be a fault.
    let cost = world.outside.password_cost.replace((0, 0));
    assert_eq!(sign_up(&world, &app, "one-more@example.com"), Some((429, Some("3".to_owned()))));
    world.outside.password_cost.set(cost);
    world.advance(Lifetime::seconds(3));
    assert_eq!(sign_up(&world, &app, "one-more@example.com"), None);
}

#[test]
fn a_tenant_says_how_many_accounts_a_network_makes() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let stage = json!({ "stage": { "pre-user-registration": { "max_attempts": 2, "rate": 60_000 } } });
    world.admin("").patch("attack-protection/suspicious-ip-throttling", &stage).expect(200);
    assert_eq!((0..4).filter(|n| sign_up(&world, &app, &format!("new{n}@example.com")).is_none()).count(), 2);
    world.advance(Lifetime::seconds(59));
    assert_eq!(sign_up(&world, &app, "late@example.com").map(|(status, _)| status), Some(429));
    world.advance(Lifetime::seconds(1));
    assert_eq!(sign_up(&world, &app, "late@example.com"), None);
}

#[test]
fn who_asks_for_taken_addresses_at_once_is_told_no_more_often_than_who_asks_in_turn() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.open(&app.authorize(&[("screen_hint", "signup")]));
    let form = [("email", ADMIN_EMAIL), ("password", PASSWORD)];
    let ask = || browser.ask(Method::POST, page.page().0, Some(&form));
    let answers = world.send_at_once((0..40).map(|_| ask()).collect());
    let told = answers.iter().filter(|answer| answer.text().contains("already have one")).count();
    assert_eq!(told, 10);
    assert_eq!(sign_up(&world, &app, "free@example.com").unwrap().0, 429);
}
