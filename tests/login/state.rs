//! The state of a login: nobody can use somebody else's, change it, or keep it.

use crate::support::{
    Ask, World,
    browser::{Seen, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::{http::cookie::LONGEST, time::Lifetime};
use serde_json::json;

#[test]
fn a_link_to_somebody_elses_login_page_signs_nobody_in() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let attacker = world.browser();
    let page = attacker.submit(&attacker.open(&app.authorize(&[])), &[("username", "eve@example.com")]);
    let url = page.page().0;
    // The victim's browser has a login of its own, and so a cookie of its own.
    let victim = world.browser();
    victim.open(&app.authorize(&[]));
    for browser in [&victim, &world.browser()] {
        let answer = browser.get(url).expect(400);
        assert!(answer.text().contains("another browser"));
        let answer = browser.post(url, &[("password", ADMIN_PASSWORD)]).expect(400);
        assert_eq!(answer.header("location"), None);
    }
}

#[test]
fn two_tabs_of_one_browser_do_not_disturb_each_other() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let first = browser.open(&app.authorize(&[("state", "first")]));
    let second = browser.open(&app.authorize(&[("state", "second")]));
    for (page, state) in [(second, "second"), (first, "first")] {
        let page = browser.submit(&page, &[("username", ADMIN_EMAIL)]);
        let back = browser.submit(&page, &[("password", ADMIN_PASSWORD)]).away();
        assert_eq!(parameter(&back, "state").as_deref(), Some(state));
    }
}

#[test]
fn a_state_that_was_changed_is_nobodys() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.open(&app.authorize(&[]));
    let url = page.page().0;
    let state = parameter(url, "state").unwrap();
    let last = state.chars().next_back().unwrap();
    let flipped = format!("{}{}", &state[..state.len() - 1], if last == 'A' { 'B' } else { 'A' });
    let middle = format!("{}x{}", &state[..40], &state[41..]);
    for changed in ["", "s1", "s1:x:", &state[1..], &flipped, &middle, &format!("{state}A")] {
        let mut url = url.clone();
        url.query_pairs_mut().clear().append_pair("state", changed);
        browser.get(&url).expect(400);
    }
    browser.get(url).expect(200);
}

#[test]
fn a_login_may_take_an_hour() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.open(&app.authorize(&[]));
    world.advance(Lifetime::minutes(59));
    browser.get(page.page().0).expect(200);
    world.advance(Lifetime::minutes(1));
    browser.get(page.page().0).expect(400);
}

#[test]
fn a_client_that_lost_its_callback_meanwhile_gets_no_code() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", ADMIN_EMAIL)]);
    world
        .database("SHARED")
        .query("update clients set document = json_set(document, '$.callbacks', json('[]'))");
    world.advance(Lifetime::seconds(5));
    let seen = browser.submit(&page, &[("password", ADMIN_PASSWORD)]);
    assert_eq!(seen.page().1.status(), 400);
    assert!(world.database("SHARED").query("select digest from codes").is_empty());
}

#[test]
fn a_state_or_a_cookie_longer_than_any_of_ours_is_not_looked_into() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    // The longest request that is taken, with the longest name that is typed.
    let most = (1..).map(|letters| format!("{}-", "s".repeat(letters * 100)));
    let fits = |state: &String| matches!(browser.open(&app.authorize(&[("state", state)])), Seen::Page(..));
    let longest = most.take_while(fits).last().unwrap();
    let name = format!("{}@example.com", "x".repeat(240));
    let page = browser.submit(&browser.open(&app.authorize(&[("state", &longest)])), &[("username", &name)]);
    assert_eq!(page.path(), "/u/login/password");
    browser.get(page.page().0).expect(200);

    let mut url = page.page().0.clone();
    let state = parameter(&url, "state").unwrap();
    url.query_pairs_mut().clear().append_pair("state", &format!("{state}{}", "A".repeat(10_240)));
    browser.get(&url).expect(400);
    let cookie = |value: &str| {
        let path = format!("/authorize?{}", app.authorize(&[("prompt", "none")]).query().unwrap());
        Ask::get("", &path).header("cookie", &format!("gatehouse_session={value}"))
    };
    for (length, looked_up) in [(LONGEST, true), (LONGEST + 1, false)] {
        let answer = world.send(cookie(&"x".repeat(length))).expect(302);
        assert_eq!(answer.round_trips() > 0, looked_up, "{length}");
    }
}
