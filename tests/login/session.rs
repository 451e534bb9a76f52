//! Sessions: the cookie, and what it is not.

use crate::support::{
    Ask, Browser, World,
    browser::parameter,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

fn put_cookie(browser: &Browser<'_>, value: &str) {
    let key = ("localhost:8787".to_owned(), "gatehouse_session".to_owned());
    browser.cookies.borrow_mut().insert(key, value.to_owned());
}

#[test]
fn the_sid_of_a_token_opens_no_session() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let back = world.browser().sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let tokens = app.redeem(&world, &back).expect(200).json();
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let claims: Json = serde_json::from_slice(&Base64UrlUnpadded::decode_vec(&claims).unwrap()).unwrap();
    let digest = world.database("SHARED").query("select digest from sessions")[0]["digest"].clone();
    for value in [&claims["sid"], &digest] {
        let thief = world.browser();
        put_cookie(&thief, value.as_str().unwrap());
        let back = thief.open(&app.authorize(&[("prompt", "none")])).away();
        assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"));
    }
}

#[test]
fn a_planted_cookie_is_replaced_at_login() {
    let world = World::new();
    let app = world.application("", &json!({}));
    // The attacker's own session, planted in the victim's browser.
    let attacker = world.browser();
    attacker.sign_up(&app.authorize(&[]), "eve@example.com", "an ordinary password");
    let planted = attacker.cookie("gatehouse_session").unwrap();
    let victim = world.browser();
    put_cookie(&victim, &planted);
    let url = app.authorize(&[("prompt", "login")]);
    victim.sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_ne!(victim.cookie("gatehouse_session").unwrap(), planted);
    let back = attacker.open(&app.authorize(&[("prompt", "none")])).away();
    assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"), "the other's session has ended");

    // A value that never was a session does not become one.
    let victim = world.browser();
    put_cookie(&victim, "a-value-that-the-attacker-knows");
    victim.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let thief = world.browser();
    put_cookie(&thief, "a-value-that-the-attacker-knows");
    let back = thief.open(&app.authorize(&[("prompt", "none")])).away();
    assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"));
}

#[test]
fn the_same_person_keeps_the_session_but_not_the_cookie() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let offline = [("scope", "openid offline_access")];
    let back = browser.sign_in(&app.authorize(&offline), ADMIN_EMAIL, ADMIN_PASSWORD);
    let tokens = app.redeem(&world, &back).expect(200).json();
    let old = browser.cookie("gatehouse_session").unwrap();
    browser.sign_in(&app.authorize(&[("prompt", "login")]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(world.database("SHARED").query("select id from sessions").len(), 1);
    let thief = world.browser();
    put_cookie(&thief, &old);
    let back = thief.open(&app.authorize(&[("prompt", "none")])).away();
    assert_eq!(
        parameter(&back, "error").as_deref(),
        Some("login_required"),
        "the old cookie is worth nothing"
    );
    app.refresh(&world, tokens["refresh_token"].as_str().unwrap()).expect(200);
}

#[test]
fn what_has_run_out_is_cleared_away_by_later_logins() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let login = |browser: &Browser<'_>| {
        let url = app.authorize(&[("scope", "openid offline_access")]);
        let back = browser.sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
        app.redeem(&world, &back).expect(200);
    };
    let rows = || {
        ["codes", "sessions", "refresh_tokens", "login_attempts"]
            .map(|table| world.database("SHARED").query(&format!("select tenant_id from {table}")).len())
    };
    for _ in 0..30 {
        login(&world.browser());
    }
    let wrong = world.browser();
    let page = wrong.submit(&wrong.open(&app.authorize(&[])), &[("username", "nobody@example.com")]);
    wrong.submit(&page, &[("password", "wrong password")]);
    assert_eq!(rows(), [30, 30, 30, 4], "of the name from there, of the name, and two of the address");
    world.advance(Lifetime::days(32));
    login(&world.browser());
    assert_eq!(rows(), [11, 11, 11, 0], "twenty at a time");
    login(&world.browser());
    assert_eq!(rows(), [2, 2, 2, 0]);
}

#[test]
fn over_tls_cookies_belong_to_the_host_alone() {
    let world = World::with(&["DIRECTORY", "SHARED"], |name| {
        (name == "BASE_DOMAIN").then(|| "id.example".to_owned())
    });
    let answer = world.send(Ask::get("id.example", "/readyz"));
    answer.expect(200);
    world.application_row(
        "main",
        "app",
        &json!({ "token_endpoint_auth_method": "none", "app_type": "spa",
        "grant_types": ["authorization_code"], "callbacks": ["https://app.example/cb"] }),
        None,
    );
    let path = format!(
        "/authorize?client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&code_challenge={}&code_challenge_method=S256",
        crate::support::browser::challenge("x")
    );
    let answer = world.send(Ask::get("id.example", &path)).expect(302);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-gatehouse_login="), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

/// A proxy that ends TLS speaks plain http to the Worker: the flags follow what the operator has set.
#[test]
fn cookies_follow_the_configured_scheme_and_not_the_one_that_the_request_came_over() {
    for (scheme, came_over, secure) in [("https", "http", true), ("http", "https", false)] {
        let world = World::with(&["DIRECTORY", "SHARED"], move |name| {
            let variables = [("PUBLIC_SCHEME", scheme), ("TLS_PROXY", "1")];
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        world.send(Ask::get("", "/readyz")).expect(200);
        let client = json!({ "token_endpoint_auth_method": "none", "app_type": "spa",
            "grant_types": ["authorization_code"], "callbacks": ["https://app.example/cb"] });
        world.application_row("main", "app", &client, None);
        let path = format!(
            "/authorize?client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&code_challenge={}&code_challenge_method=S256",
            crate::support::browser::challenge("x")
        );
        let answer = world.send(Ask::get("", &path).over(came_over)).expect(302);
        let cookie = answer.header("set-cookie").unwrap();
        assert_eq!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), secure, "{cookie}");
        assert_eq!(cookie.contains("__Host-") || cookie.contains("Secure"), secure, "{cookie}");
    }
}
