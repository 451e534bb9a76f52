//! Wrong passwords: the lock, and what nobody can find out.

use crate::support::{
    Answer, Application, Browser, World,
    browser::Seen,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::time::Lifetime;
use serde_json::json;

fn attempt(app: &Application, browser: &Browser<'_>, email: &str, password: &str) -> Seen {
    let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", email)]);
    browser.submit(&page, &[("password", password)])
}

/// The page without what differs from one login to the next: the state, and the name that was typed.
fn words(seen: &Seen, email: &str) -> (u16, String) {
    let (_, answer) = seen.page();
    (answer.status(), anonymous(answer, email))
}

fn anonymous(answer: &Answer, email: &str) -> String {
    let text = answer.text().replace(email, "somebody");
    let parts: Vec<&str> = text.split("state=").collect();
    parts.iter().map(|part| part.split_once('"').map_or(*part, |(_, rest)| rest)).collect()
}

#[test]
fn ten_failures_lock_the_account_for_that_address_and_an_hour() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    for _ in 0..10 {
        assert_eq!(words(&attempt(&app, &browser, ADMIN_EMAIL, "wrong password"), ADMIN_EMAIL).0, 400);
    }
    assert_eq!(words(&attempt(&app, &browser, ADMIN_EMAIL, ADMIN_PASSWORD), ADMIN_EMAIL).0, 429);
    attempt(&app, &world.browser_at("198.51.100.7"), ADMIN_EMAIL, ADMIN_PASSWORD).away();
    world.advance(Lifetime::minutes(59));
    assert_eq!(words(&attempt(&app, &browser, ADMIN_EMAIL, ADMIN_PASSWORD), ADMIN_EMAIL).0, 429);
    world.advance(Lifetime::minutes(1));
    attempt(&app, &browser, ADMIN_EMAIL, ADMIN_PASSWORD).away();
    let locks = world.database("SHARED").query("select id from logs where type = 'limit_wc'");
    assert_eq!(locks.len(), 1, "a lock is recorded once");
}

#[test]
fn a_right_password_forgets_the_failures() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    for _ in 0..3 {
        for _ in 0..9 {
            attempt(&app, &browser, ADMIN_EMAIL, "wrong password");
        }
        attempt(&app, &world.browser(), ADMIN_EMAIL, ADMIN_PASSWORD).away();
    }
    // Those of the network stay: what somebody else tries from there is not forgiven.
    let counted = world.database("SHARED").query("select key from login_attempts where failures > 0");
    assert!(counted.is_empty(), "{counted:?}");
}

#[test]
fn one_network_is_one_address() {
    let world = World::new();
    let app = world.application("", &json!({}));
    for host in 1..=10 {
        attempt(&app, &world.browser_at(&format!("2001:db8:1:2::{host:x}")), ADMIN_EMAIL, "wrong password");
    }
    let locked = |ip: &str| {
        matches!(attempt(&app, &world.browser_at(ip), ADMIN_EMAIL, ADMIN_PASSWORD), Seen::Page(..))
    };
    assert!(locked("2001:db8:1:2:ffff::1"));
    assert!(locked("2001:db8:1:ff::1"), "a home has a whole /56");
    assert!(!locked("2001:db8:1:100::1"));
}

#[test]
fn nobody_can_tell_whether_there_is_an_account() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let stranger = "nobody@example.com";
    let first = |email: &str| {
        let browser = world.browser();
        let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", email)]);
        words(&page, email)
    };
    assert_eq!(first(ADMIN_EMAIL), first(stranger));
    let (known, unknown) = (world.browser(), world.browser());
    for n in 0..12 {
        let known = attempt(&app, &known, ADMIN_EMAIL, "wrong password");
        let unknown = attempt(&app, &unknown, stranger, "wrong password");
        assert_eq!(words(&known, ADMIN_EMAIL), words(&unknown, stranger), "attempt {n}");
        assert_eq!(known.page().1.round_trips(), unknown.page().1.round_trips(), "attempt {n}");
        let names = |seen: &Seen| seen.page().1.0.headers().iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(&known), names(&unknown));
    }
}

#[test]
fn only_who_knows_the_password_is_told_of_a_block() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let wrong = words(&attempt(&app, &world.browser(), ADMIN_EMAIL, "wrong password"), ADMIN_EMAIL);
    world.database("SHARED").query("update users set blocked = 1");
    assert_eq!(words(&attempt(&app, &world.browser(), ADMIN_EMAIL, "wrong password"), ADMIN_EMAIL), wrong);
    let browser = world.browser();
    let told = attempt(&app, &browser, ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(told.page().1.status(), 403);
    assert_eq!(browser.cookie("gatehouse_session"), None);
}

#[test]
fn passwords_are_taken_whole_or_not_at_all() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let long: String = (100..200).map(|n| format!("x{n}y")).collect::<String>().chars().take(256).collect();
    world.browser().sign_up(&app.authorize(&[]), "long@example.com", &long);
    attempt(&app, &world.browser(), "long@example.com", &long).away();
    for wrong in [&long[..255], &long[..103], &format!("{long}x"), &"x".repeat(100_000)] {
        attempt(&app, &world.browser(), "long@example.com", wrong).page();
    }
}

#[test]
fn an_address_is_the_same_in_any_case_and_with_spaces_around_it() {
    let world = World::new();
    let app = world.application("", &json!({}));
    attempt(&app, &world.browser(), "  ADMIN@Example.com ", ADMIN_PASSWORD).away();
}

#[test]
fn a_hash_of_yesterdays_cost_is_replaced_at_the_next_login() {
    let world = World::new();
    let app = world.application("", &json!({}));
    attempt(&app, &world.browser(), ADMIN_EMAIL, ADMIN_PASSWORD).away();
    let stored = || world.database("SHARED").query("select hash from passwords")[0]["hash"].clone();
    let current = stored();
    attempt(&app, &world.browser(), ADMIN_EMAIL, ADMIN_PASSWORD).away();
    assert_eq!(stored(), current, "what is current stays");
    // m=16, t=2 of the same password.
    world.outside.password_cost.set((16, 2));
    attempt(&app, &world.browser(), ADMIN_EMAIL, ADMIN_PASSWORD).away();
    assert!(stored().as_str().unwrap().starts_with("$argon2id$v=19$m=16,t=2,p=1$"));
    attempt(&app, &world.browser(), ADMIN_EMAIL, ADMIN_PASSWORD).away();
}
