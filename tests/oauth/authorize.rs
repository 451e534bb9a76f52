//! The authorization endpoint: what is a page, what goes to the application, and what goes nowhere.

use crate::support::{
    World,
    browser::parameter,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::time::Lifetime;
use serde_json::json;

#[test]
fn nothing_is_sent_to_an_address_that_is_not_registered() {
    let world = World::new();
    let app = world.application("", &json!({}));
    for uri in [
        "",
        "https://app-1.example",
        "https://app-1.example/callback/",
        "https://app-1.example/callback?x=1",
        "https://app-1.example/callback#",
        "https://app-1.example/callback#fragment",
        "https://app-1.example/Callback",
        "https://APP-1.example/callback",
        "HTTPS://app-1.example/callback",
        "http://app-1.example/callback",
        "https://app-1.example:443/callback",
        "https://app-1.example./callback",
        "https://app-1.example.evil.example/callback",
        "https://evil.example/callback",
        "https://app-1.example@evil.example/callback",
        "https://evil.example\\@app-1.example/callback",
        "https://app-1.example/callback/../evil",
        "https://app-1.example/callback%2f..%2fevil",
        "https://app-1.example/callback\r\nset-cookie: x=y",
        "//app-1.example/callback",
        "javascript:alert(1)",
    ] {
        let answer = world.browser().get(&app.authorize(&[("redirect_uri", uri)]));
        assert_eq!((answer.status(), answer.header("location")), (400, None), "{uri}");
        assert!(answer.text().contains("<h1"));
    }
    for (name, value) in [("client_id", ""), ("client_id", "nobody"), ("client_id", "management-machine")] {
        world.browser().get(&app.authorize(&[(name, value)])).expect(400);
    }
    let twice = |name: &str, value: &str| {
        let mut url = app.authorize(&[]);
        url.query_pairs_mut().append_pair(name, value);
        world.browser().get(&url)
    };
    assert_eq!(twice("redirect_uri", "https://evil.example/").expect(400).header("location"), None);
    assert_eq!(twice("client_id", "nobody").expect(400).header("location"), None);
}

#[test]
fn what_is_wrong_with_a_request_is_told_to_the_application() {
    let world = World::new();
    let app = world.application("", &json!({}));
    for (changes, error) in [
        (vec![("response_type", "")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "code id_token")], "unsupported_response_type"),
        (vec![("response_mode", "telepathy")], "invalid_request"),
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge", "too-short")], "invalid_request"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("prompt", "dance")], "invalid_request"),
        (vec![("max_age", "-1")], "invalid_request"),
        (vec![("max_age", "soon")], "invalid_request"),
        (vec![("audience", "https://nobody.example")], "access_denied"),
        (vec![("organization", "org_1")], "invalid_request"),
        (vec![("connection", "nothing")], "invalid_request"),
        (vec![("request", "e30.e30.")], "request_not_supported"),
        (vec![("request_uri", "https://evil.example/")], "request_uri_not_supported"),
        (vec![("scope", "openid"), ("scope", "email")], "invalid_request"),
        (vec![("prompt", "none")], "login_required"),
    ] {
        let back = world.browser().open(&app.authorize(&changes)).away();
        assert!(back.as_str().starts_with("https://app-1.example/callback?"), "{changes:?}");
        assert_eq!(parameter(&back, "error").as_deref(), Some(error), "{changes:?}");
        assert!(parameter(&back, "error_description").is_some());
        assert_eq!(parameter(&back, "state").as_deref(), Some("the-state"));
        assert_eq!(parameter(&back, "iss").as_deref(), Some("http://localhost:8787/"));
        assert_eq!(parameter(&back, "code"), None);
    }
    let mut twice = app.authorize(&[]);
    twice.query_pairs_mut().append_pair("state", "another");
    let back = world.browser().open(&twice).away();
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    assert_eq!(parameter(&back, "state"), None, "neither of two states is the client's");
}

#[test]
fn clients_get_only_what_they_are_registered_for() {
    let world = World::new();
    let app = world.application("", &json!({ "grant_types": ["client_credentials"] }));
    let back = world.browser().open(&app.authorize(&[])).away();
    assert_eq!(parameter(&back, "error").as_deref(), Some("unauthorized_client"));
}

#[test]
fn a_native_app_chooses_the_port_of_its_own_device_only() {
    let world = World::new();
    let callbacks =
        json!(["http://127.0.0.1/cb", "http://localhost:7777/cb", "https://app-native.example/cb"]);
    let native =
        world.application("", &json!({ "app_id": "native", "app_type": "native", "callbacks": callbacks }));
    let spa = world.application("", &json!({ "app_id": "spa", "callbacks": callbacks }));
    for (uri, expected) in [
        ("http://127.0.0.1:51234/cb", true),
        ("http://127.0.0.1/cb", true),
        ("http://localhost:9/cb", true),
        ("http://127.0.0.1:51234/other", false),
        ("http://127.0.0.1:99999/cb", false),
        ("http://127.0.0.1:/cb", false),
        ("http://127.0.0.1:80@evil.example/cb", false),
        ("http://127.0.0.1.evil.example/cb", false),
        ("https://127.0.0.1:51234/cb", false),
        ("https://app-native.example:8443/cb", false),
    ] {
        let answer = world.browser().get(&native.authorize(&[("redirect_uri", uri)]));
        assert_eq!(answer.status(), if expected { 302 } else { 400 }, "{uri}");
    }
    world.browser().get(&spa.authorize(&[("redirect_uri", "http://127.0.0.1:51234/cb")])).expect(400);
}

#[test]
fn a_session_is_enough_until_the_request_wants_more() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    world.advance(Lifetime::minutes(10));
    let silent = |changes: &[(&str, &str)]| {
        let mut all = vec![("prompt", "none")];
        all.extend_from_slice(changes);
        parameter(&browser.open(&app.authorize(&all)).away(), "error")
    };
    assert_eq!(silent(&[]), None);
    assert_eq!(silent(&[("max_age", "600")]), None);
    assert_eq!(silent(&[("max_age", "599")]).as_deref(), Some("login_required"));
    assert_eq!(browser.open(&app.authorize(&[("max_age", "599")])).path(), "/u/login/identifier");
    assert_eq!(browser.open(&app.authorize(&[("prompt", "login")])).path(), "/u/login/identifier");
    assert_eq!(browser.open(&app.authorize(&[("prompt", "select_account")])).path(), "/u/login/identifier");
    browser.open(&app.authorize(&[])).away();

    // Used again and again it lasts a week, unused three days (Auth0).
    for _ in 0..3 {
        world.advance(Lifetime::hours(71));
        if silent(&[]).is_some() {
            break;
        }
    }
    assert_eq!(silent(&[]).as_deref(), Some("login_required"), "a week is over");
}

#[test]
fn a_session_ends_when_it_is_idle_ended_or_its_person_is_blocked() {
    for change in [None, Some("update sessions set revoked_at = 1"), Some("update users set blocked = 1")] {
        let world = World::new();
        let app = world.application("", &json!({}));
        let browser = world.browser();
        browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
        match change {
            Some(sql) => drop(world.database("SHARED").query(sql)),
            None => world.advance(Lifetime::hours(72)),
        }
        let back = browser.open(&app.authorize(&[("prompt", "none")])).away();
        assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"), "{change:?}");
    }
}

#[test]
fn the_parameters_of_the_callback_itself_are_kept() {
    let world = World::new();
    let callback = "https://app-1.example/callback?tenant=1";
    let app = world.application("", &json!({ "callbacks": [callback] }));
    let url = app.authorize(&[("redirect_uri", callback)]);
    let back = world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    assert!(back.as_str().starts_with("https://app-1.example/callback?tenant=1&code="));
}

#[test]
fn a_request_may_be_posted_but_not_be_endless() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let url = app.authorize(&[]);
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let form: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = world.browser().post(&app.url("authorize"), &form).expect(303);
    assert!(answer.header("location").unwrap().starts_with("/u/login/identifier?state="));
    let long = "x".repeat(2049);
    let back = world.browser().open(&app.authorize(&[("nonce", &long)])).away();
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
}
