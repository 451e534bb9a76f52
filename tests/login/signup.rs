//! New accounts.

use crate::support::{
    Application, Browser, World,
    browser::{Seen, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use serde_json::json;

const PASSWORD: &str = "a password of one's own";

fn attempt(app: &Application, browser: &Browser<'_>, email: &str, password: &str) -> Seen {
    let page = browser.open(&app.authorize(&[("screen_hint", "signup")]));
    browser.submit(&page, &[("email", email), ("password", password)])
}

#[test]
fn who_signs_up_is_signed_in() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let back = browser.sign_up(&app.authorize(&[]), "Ann@Example.com", PASSWORD);
    let tokens = app.redeem(&world, &back).expect(200).json();
    let (_, id) = crate::oauth::opened(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id["email"], &id["email_verified"]), (&json!("ann@example.com"), &json!(false)));
    assert_eq!((&id["name"], &id["nickname"]), (&json!("ann@example.com"), &json!("ann")));
    browser.open(&app.authorize(&[("prompt", "none")])).away();
    world.browser().sign_in(&app.authorize(&[]), "ann@example.com", PASSWORD);
}

#[test]
fn of_two_who_want_the_same_address_one_gets_it() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let (first, second) = (world.browser(), world.browser());
    let pages = [&first, &second].map(|browser| browser.open(&app.authorize(&[("screen_hint", "signup")])));
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    first.submit(&pages[0], &form).away();
    let refused = second.submit(&pages[1], &[("email", "ANN@example.com"), ("password", "another password")]);
    assert_eq!(refused.page().1.status(), 400);
    assert_eq!(second.cookie("gatehouse_session"), None);
    let users = world.database("SHARED").query("select user_id from users where email = 'ann@example.com'");
    assert_eq!(users.len(), 1);
    world.browser().sign_in(&app.authorize(&[]), "ann@example.com", PASSWORD);
}

#[test]
fn a_list_of_addresses_cannot_be_tried() {
    let world = World::new();
    let app = world.application("", &json!({}));
    for _ in 0..10 {
        attempt(&app, &world.browser(), ADMIN_EMAIL, PASSWORD).page();
    }
    let taken = attempt(&app, &world.browser(), ADMIN_EMAIL, PASSWORD);
    let free = attempt(&app, &world.browser(), "free@example.com", PASSWORD);
    for seen in [taken, free] {
        assert!(seen.page().1.text().contains("too many attempts"));
    }
    attempt(&app, &world.browser_at("198.51.100.7"), "free@example.com", PASSWORD).away();
    world.browser().sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
}

#[test]
fn weak_passwords_and_things_that_are_no_address_are_refused() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let long = "x1".repeat(129);
    for password in [
        "",
        "short",
        "sevench",
        "password",
        "PassWord1",
        "aaaaaaaaaaaa",
        "12345678",
        "ann@example.com",
        &long,
    ] {
        let seen = attempt(&app, &browser, "ann@example.com", password);
        assert_eq!((seen.path(), seen.page().1.status()), ("/u/signup", 400), "{password}");
    }
    for email in [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@exa mple.com",
        "a@b@c.d",
        "ann@example..com",
        "<ann>@example.com",
    ] {
        let seen = attempt(&app, &browser, email, PASSWORD);
        assert_eq!(seen.page().1.status(), 400, "{email}");
    }
    assert_eq!(world.database("SHARED").query("select user_id from users").len(), 1);
    // Eight characters of any kind will do, as in Auth0's policy `fair`.
    attempt(&app, &browser, "ann@example.com", "Xy3 käse").away();
}

#[test]
fn where_signing_up_is_not_allowed_there_is_no_way_to() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    let open = world.browser().open(&app.authorize(&[("screen_hint", "signup")]));
    world
        .database("SHARED")
        .query("update connections set document = '{\"options\":{\"disable_signup\":true}}'");
    let closed = world.another_isolate();
    let browser = closed.browser();
    let page = browser.open(&app.authorize(&[("screen_hint", "signup")]));
    assert_eq!(page.path(), "/u/login/identifier");
    assert!(!page.page().1.text().contains("Sign up"));
    let mut url = page.page().0.clone();
    url.set_path("/u/signup");
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    assert_eq!(browser.post(&url, &form).status(), 303);
    assert_eq!(world.database("SHARED").query("select user_id from users").len(), 1);
    assert_eq!(open.path(), "/u/signup");
}

#[test]
fn nobody_signs_up_into_an_organization() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    world.database("SHARED").query(
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values ('main', 'org_1', 'team', 1, 1)",
    );
    let browser = world.browser();
    let page = browser.open(&app.authorize(&[("screen_hint", "signup"), ("organization", "team")]));
    assert_eq!(page.path(), "/u/login/identifier");
    let back = browser.sign_in(&app.authorize(&[("organization", "team")]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
}
