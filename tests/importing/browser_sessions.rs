//! The session that a browser had with the server before: kept if the operator wants it, and then good for once.

use super::{begin, finish, ingest, install, mapped, plan};
use crate::support::{Application, Browser, World, browser::parameter, world::BEGINNING};
use gatehouse::time::Timestamp;
use serde_json::json;

/// The tenant `acme` of the install, with or without its browsers' sessions, and its application.
fn moved(browser_sessions: bool) -> (World, Application) {
    let world = World::new();
    world.tenant("acme");
    let mut plan = plan("acme", "acme", "http://old.example/", Timestamp::from_millis(BEGINNING));
    plan.browser_sessions = browser_sessions;
    let (records, _) = mapped(&install::rows(), &plan);
    begin(&world, "acme", false).expect(201);
    ingest(&world, "acme", &records);
    finish(&world, "acme", &json!({})).expect(200);
    let app = Application {
        tenant: "acme".to_owned(),
        id: "app".to_owned(),
        secret: Some("SECRET-app".to_owned()),
        callback: "https://app.example/cb".to_owned(),
    };
    (world, app)
}

/// A browser that still has cookies of the server before.
fn with<'w>(world: &'w World, cookies: &[(&str, &str)]) -> Browser<'w> {
    let browser = world.browser();
    for (name, value) in cookies {
        let key = ("acme.localhost:8787".to_owned(), (*name).to_owned());
        browser.cookies.borrow_mut().insert(key, (*value).to_owned());
    }
    browser
}

/// What comes back from a request that may show no page: `None` for a code, else the error.
fn silent(app: &Application, browser: &Browser<'_>) -> Option<String> {
    let back = browser.open(&app.authorize(&[("prompt", "none")])).away();
    parameter(&back, "error")
}

#[test]
fn a_browser_stays_signed_in_and_its_old_cookie_is_good_for_once() {
    let (world, app) = moved(true);
    let browser = with(&world, &[("globex-auth-token", "another"), ("acme-auth-token", "s1")]);
    let thief = with(&world, &[("acme-auth-token", "s1")]);
    let back = browser.open(&app.authorize(&[("prompt", "none")])).away();
    let tokens = app.redeem(&world, &back).expect(200).json();
    let (_, claims) = crate::oauth::opened(tokens["id_token"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!("auth0|1"), &json!("s1")));
    assert!(browser.cookie("gatehouse_session").is_some_and(|cookie| cookie != "s1"));
    assert_eq!(
        silent(&app, &thief).as_deref(),
        Some("login_required"),
        "the old cookie is worth nothing now"
    );
    assert_eq!(silent(&app, &browser), None, "the new one is");
}

#[test]
fn without_the_operators_word_no_old_cookie_is_good() {
    let (world, app) = moved(false);
    for cookie in [
        ("acme-auth-token", "s1"),
        ("acme-auth-token", "-s1"),
        ("gatehouse_session", "s1"),
        ("gatehouse_session", "-s1"),
    ] {
        assert_eq!(silent(&app, &with(&world, &[cookie])).as_deref(), Some("login_required"), "{cookie:?}");
    }
}

/// The public id of a session stands in every token: it must not be a key to the session.
#[test]
fn the_public_id_of_a_session_of_ours_is_no_cookie() {
    let (world, app) = moved(true);
    let hash = gatehouse::resources::users::password::hash_now(
        world.outside.as_ref(),
        &gatehouse::secret::Secret::new("Passw0rd!alice"),
    );
    world
        .home("acme")
        .query(&format!("update passwords set hash = '{}' where user_id = 'auth0|1'", hash.unwrap()));
    let browser = world.browser();
    let back = browser.sign_in(&app.authorize(&[]), "ada@acme.example", "Passw0rd!alice");
    let tokens = app.redeem(&world, &back).expect(200).json();
    let (_, claims) = crate::oauth::opened(tokens["id_token"].as_str().unwrap());
    let sid = claims["sid"].as_str().unwrap();
    for name in ["acme-auth-token", "gatehouse_session"] {
        assert_eq!(silent(&app, &with(&world, &[(name, sid)])).as_deref(), Some("login_required"), "{name}");
    }
    // Of several that are all of other tenants none is taken.
    let strangers = with(&world, &[("a-auth-token", "s1"), ("b-auth-token", "s1")]);
    assert_eq!(silent(&app, &strangers).as_deref(), Some("login_required"));
}
